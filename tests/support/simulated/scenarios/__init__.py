"""What services are like and what they do while they are mirrored, and how that has to end.

`columns` are services that differ in their columns alone. All others are a list of `scenario.Scenario`: services that
need something (`needs`), write odd documents (`writing`), cut answers (`truncation`), lose rows (`shrinking`), change
while they are read (`changing`) or between two syncs (`refreshing`, `resuming`), or keep a client waiting (`waiting`).
"""
