"""Statistics: counted in memory, kept by the minute, merged as they grow old, shown for any time.

front door, runs ──> collector ──> keeper ──> store (stretches)
                                                  └──> report ──> `stats`, the overview
"""
