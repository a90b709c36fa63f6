from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("routing", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """INSERT INTO routing_routingrule (name, position, status, ship_service_codes, countries, sources, sort, split)
               VALUES ('Own stock first, then vendors', 100, 'active', '{}', '{}', 'own_first', 'priority', 'by_unit')""",
            migrations.RunSQL.noop,
        ),
    ]
