import json

from retailops.contract.redaction import redact


def test_only_what_identifies_nobody_stays_readable() -> None:
    sent = {
        "integration_auth_token": "CANARY-token",
        "action": "order_pull",
        "orders": [
            {
                "channel_order_refnum": "R1",
                "cancel": False,
                "shipping_address": {
                    "first_name": "CANARY",
                    "last_name": "CANARY",
                    "company": "",
                    "address1": "CANARY 1",
                    "address2": None,
                    "city": "CANARY",
                    "state_match": "CA",
                    "postal_code": 90210,
                    "phone_number": "CANARY",
                },
                "customer_info": {
                    "email_address": "CANARY@x.example",
                    "full_name": "CANARY",
                    "phone_number": "CANARY",
                },
                "gift_message": "CANARY",
                "ip_address": "CANARY",
                "tags": ["CANARY"],
                "order_items": [
                    {"sku": "A-1", "quantity": 2, "options": [{"name": "engraving", "value": "CANARY"}]}
                ],
                "added_tomorrow": {"deep": ["CANARY", 1]},
            }
        ],
        "template_output": {"data": {"Product": [{"General": {"SKU": "A-1"}}]}},
    }
    before = json.dumps(sent)
    kept = redact(sent)
    assert kept == {
        "integration_auth_token": "***",
        "action": "order_pull",
        "orders": [
            {
                "channel_order_refnum": "R1",
                "cancel": False,
                "shipping_address": {
                    "first_name": "***",
                    "last_name": "***",
                    "company": "",
                    "address1": "***",
                    "address2": None,
                    "city": "***",
                    "state_match": "CA",
                    "postal_code": "***",
                    "phone_number": "***",
                },
                "customer_info": {"email_address": "***", "full_name": "***", "phone_number": "***"},
                "gift_message": "***",
                "ip_address": "***",
                "tags": ["***"],
                "order_items": [{"sku": "A-1", "quantity": 2, "options": [{"name": "***", "value": "***"}]}],
                "added_tomorrow": {"deep": ["***", "***"]},
            }
        ],
        "template_output": {"data": {"Product": [{"General": {"SKU": "A-1"}}]}},
    }
    assert json.dumps(sent) == before


def test_scalars_without_a_name_are_masked() -> None:
    assert redact("CANARY") == "***"
    assert redact(["CANARY", None, ""]) == ["***", None, ""]
