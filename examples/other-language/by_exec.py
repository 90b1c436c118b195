#!/usr/bin/env python3
"""A worker in Python that longshore runs once for each task:

    longshore work --queue 'sqs://orders?region=eu-west-1' --exec ./by_exec.py
    longshore run --queue mem://orders --exec ./by_exec.py < orders.jsonl

The task's data comes on standard input, what is known about it in the
environment. The exit code decides what becomes of it. The lease is extended for
as long as this runs.
"""
import json
import os
import sys

DONE, DEAD, AGAIN = 0, 65, 75


def main():
    try:
        order = json.load(sys.stdin)["order"]
    except (ValueError, KeyError, TypeError):
        # No retry can help. The text goes to the dead letter: no data in it.
        print("the task has no order", file=sys.stderr)
        return DEAD
    attempt = int(os.environ["LONGSHORE_ATTEMPT"])
    if order == "flaky" and attempt == 1:
        print("the bank does not answer", file=sys.stderr)
        return AGAIN
    # The id is the same in each attempt: the key to pay only once by.
    if not os.environ["LONGSHORE_ID"]:
        return AGAIN
    print(f"paid {order}, attempt {attempt}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
