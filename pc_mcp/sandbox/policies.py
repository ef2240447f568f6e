"""Configuration policies ("device-deployment-resources", ConfigurationPolicy)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pc_mcp.sandbox import catalog
from pc_mcp.sandbox.seeded import JsonObject, date_text, guid, source

_SETTINGS = (
    "remove_oem_preinstalls",
    "oobe_user_not_local_admin",
    "skip_express_settings",
    "skip_oem_registration",
    "skip_eula",
)
_MOST_ASSIGNED = {"hundred thousand": 24_000, "large": 12_000}
_HOW_MANY = {"hundred thousand": 6, "large": 5, "none": 0, "one empty": 0}


def policies_of(seed: str, customer_id: str, company: catalog.Company) -> list[JsonObject]:
    """None to six policies; the documentation spells their count of devices in two ways."""
    rng = source(seed, customer_id, "policies")
    names = rng.sample(catalog.POLICY_NAMES, _HOW_MANY.get(company.holding, rng.randint(0, 4)))
    most = _MOST_ASSIGNED.get(company.holding, 400)
    policies: list[JsonObject] = []
    for at, name in enumerate(names):
        created = datetime(2017, 6, 1, 9, tzinfo=UTC) + timedelta(minutes=rng.randrange(2_000_000))
        modified = created + timedelta(minutes=rng.choice((0, 0, 7, 190_000)))
        ticks = rng.randrange(10**7)
        policies.append(
            {
                "id": guid(rng),
                "name": name,
                "category": "o_o_b_e",
                "description": rng.choice(("", f"{name}, set up with the customer's IT")),
                ("devicesAssigned", "devicesAssignedCount")[at % 2]: rng.randrange(most),
                "policySettings": rng.sample(_SETTINGS, rng.randint(1, 4)),
                "createdDate": date_text(created, ticks, timedelta(hours=-7)),
                "lastModifiedDate": date_text(modified, ticks, timedelta(hours=-7)),
                "attributes": {"objectType": "ConfigurationPolicy"},
            }
        )
    return policies
