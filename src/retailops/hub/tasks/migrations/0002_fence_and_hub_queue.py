from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_initial")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE tasks_fence", "DROP SEQUENCE tasks_fence"),
        migrations.RunSQL(
            "INSERT INTO tasks_queue (name, max_in_flight) VALUES ('hub', 8)",
            "DELETE FROM tasks_queue WHERE name = 'hub'",
        ),
    ]
