"""Say what a channel calls a carrier and class."""

from __future__ import annotations

from retailops.hub.audit.operations.record import record
from retailops.hub.db import execute, unit_of_work


@unit_of_work
def set_ship_code(
    *, channel_id: int, carrier_name: str, code: str, actor: str, carrier_class_name: str = ""
) -> None:
    """Map a carrier and class (empty: any class) to the channel's own code; an empty code removes the mapping."""
    if code:
        execute(
            """INSERT INTO channels_shipcode (channel_id, carrier_name, carrier_class_name, code) VALUES (%s, %s, %s, %s)
               ON CONFLICT (channel_id, carrier_name, carrier_class_name) DO UPDATE SET code = excluded.code""",
            [channel_id, carrier_name, carrier_class_name, code],
        )
    else:
        execute(
            "DELETE FROM channels_shipcode WHERE channel_id = %s AND carrier_name = %s AND carrier_class_name = %s",
            [channel_id, carrier_name, carrier_class_name],
        )
    record(
        actor=actor,
        action="channel.ship_code",
        subject=f"channel:{channel_id}",
        data={"carrier": carrier_name, "class": carrier_class_name, "code": code},
    )
