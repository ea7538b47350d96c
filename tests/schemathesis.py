"""A check of ours, beside those that Schemathesis has; schemathesis.toml says why."""

import schemathesis


@schemathesis.check
def valid_data_is_understood(ctx, response, case):
    """What the document allows is never refused as of another type, or out of bounds."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    error = response.json()
    # Two namespaces that differ are each as they may be.
    if error["Id"] == "gateway.InvalidField" and "differs from the other" not in error["Detail"]:
        raise AssertionError(f"the document allows it, and the server does not: {error['Detail']}")
