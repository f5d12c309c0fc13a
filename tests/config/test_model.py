"""The values themselves."""

from dataclasses import FrozenInstanceError, fields

import pytest

from hookagent.config import model


@pytest.mark.parametrize(
    "value",
    [
        model.Server(),
        model.Inspector(),
        model.StoreSettings(url="sqlite:///x"),
        model.Worker(),
        model.TunnelSettings(),
        model.Answer(),
    ],
)
def test_every_value_is_frozen(value):
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, 1)


def test_no_secret_is_in_a_repr():
    tunnel = model.TunnelSettings(authtoken="top-secret")

    assert "top-secret" not in repr(tunnel)
