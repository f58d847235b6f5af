"""The proof that no tenant ever sees another.

`table` has a row for every operation of the hub, and `test_table` fails for one without. `callers` has
every kind of caller. `matrix` makes cells of both and says what has to hold in each: the status, nothing
changed, no canary of alice's realm in the answer, another realm's name answered like one of nothing, and
no statement that looks into another realm (`tripwire`). `mutations` removes each filter between realms in
turn and has the matrix fail.

Who adds an operation, a parameter or a member adds it to `table`; who adds a table to the database without
a realm says why in `tripwire`.
"""
