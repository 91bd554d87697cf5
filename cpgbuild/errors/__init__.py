"""Every error a user can see, one class per cause, each with a stable code.

`report` holds the base class and the error as data; `project` (E1), `graph` (E2), `run` (E3) and
`state` (E4) hold the causes. A class takes facts and words them itself, so that all wording lives
in this package and tests can match it.
"""
