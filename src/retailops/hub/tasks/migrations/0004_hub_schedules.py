from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tasks", "0003_indexes_for_lists")]

    operations = [
        migrations.RunSQL(
            """INSERT INTO tasks_schedule (queue_id, kind, lane, every_seconds)
               SELECT q.id, s.kind, s.lane, s.seconds FROM tasks_queue q, (VALUES
                 ('route_orders', 'route:0', 60), ('resolve_unknown_skus', 'skus', 300), ('prune_history', 'prune', 86400)
               ) AS s (kind, lane, seconds) WHERE q.name = 'hub'""",
            "DELETE FROM tasks_schedule WHERE kind IN ('route_orders', 'resolve_unknown_skus', 'prune_history')",
        ),
    ]
