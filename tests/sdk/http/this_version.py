"""What the version under test does not do yet. The tests that touch it ask here, and nowhere else."""

# Entity routes: while they are not served, each answers 501.
ENTITIES_ARE_SERVED = False
# Lifecycle notifications (Event Grid): none are sent, so their two rules have nothing to hold for.
NOTIFICATIONS_ARE_SENT = False


def is_not_served(answer):
    """501, in the shape of any other error."""
    assert answer.status == 501, answer
    assert answer.json["ExceptionType"] == "System.NotImplementedException"
    assert "not in this version" in answer.json["ExceptionMessage"]
