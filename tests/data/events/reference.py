"""The rules of behaviour funnels told once more, row by row and by enumeration: slow, plain, independent.

A log is a list of ``(unit, time, masks...)``; nothing here is shared with the package but the definition.
"""

import itertools

NEVER = None


def attempts_of(rows, definition):
    """Return the attempts of one unit: dicts with start, times per step, void, void_depth, running.

    `rows`: list of (time, mask, bad) in the order of the log; times ascending.
    """
    instants = []
    for time, mask, bad in rows:
        if definition.ties == "row" or not instants or instants[-1][0] != time:
            instants.append((time, [], []))
        instants[-1][1].append(mask)
        instants[-1][2].append(bad)
    walk = _any if definition.order == "any" else _along
    made = []
    for begin, (_, masks, _) in enumerate(instants):
        wanted = 1
        if definition.order == "any" and definition.begin == "any":
            wanted = (1 << len(definition.steps)) - 1
            if any(step.anchored for step in definition.steps):  # those that may come first
                wanted = sum(1 << k for k in range(len(definition.steps)) if in_place(definition, k, set()))
        if any(mask & wanted for mask in masks):
            made.append(walk(instants, begin, definition))
    for one in made:
        if definition.repeats == "stop" and definition.order != "any":
            _repeats(instants, one, definition)
        _exclude(instants, one, definition)
    return made


def fits(masks, steps, reuse):
    """Whether each of `steps` can be given a row of its own: every assignment is tried."""
    if reuse:
        return all(any(mask >> step & 1 for mask in masks) for step in steps)
    return any(
        all(masks[row] >> step & 1 for row, step in zip(chosen, steps, strict=False))
        for chosen in itertools.permutations(range(len(masks)), len(steps))
    )


def _run(masks, steps, k, definition):
    """How many steps from the k-th required one on the rows of one instant can serve."""
    most = 1 if definition.ties != "either" else len(steps) - k
    return max((n for n in range(1, most + 1) if fits(masks, steps[k : k + n], definition.reuse)), default=0)


def _along(instants, begin, definition):  # noqa: C901 - one plain story
    steps = definition.required
    start = instants[begin][0]
    place = {}
    broken, ended = False, None
    served = _run(instants[begin][1], steps, 0, definition)
    for more in range(served):
        place[steps[more]] = begin
    k = served
    at = begin + 1
    while k < len(steps) and at < len(instants):
        time, masks, _ = instants[at]
        if definition.within_us is not None and time - start > definition.within_us:
            break
        if too_far(instants, place[steps[k - 1]], at, definition):
            break
        served = _run(masks, steps, k, definition)
        if served:
            for more in range(served):
                place[steps[k + more]] = at
            k += served
        elif definition.order == "strict":
            allowed = {
                "repeats": steps[k - 1 : k],
                "nothing": (),
                "reached": steps[:1] if k == 1 else steps[1:k],
                "reentry": steps[:k],
                "strangers": (),
            }[definition.between]
            allowed = [*allowed, *(o for o in definition.optional if steps[k - 1] < o < steps[k])]
            for mask in masks:
                fine = any(mask >> one & 1 for one in allowed)
                if definition.between == "strangers":
                    fine = fine or mask == 0
                broken = broken or not fine
            if broken:
                ended = at
                break
        at += 1
    _optional(instants, begin, place, definition)
    return {
        "begin": begin,
        "place": place,
        "running": k < len(steps) and not broken,
        "void": False,
        "void_depth": 0,
        "ended": ended,
    }


def too_far(instants, before, at, definition):
    """Whether an instant lies beyond the gap after the step done at instant `before`."""
    if definition.gap_us is None:
        return False
    long = instants[at][0] - instants[before][0]
    return long > definition.gap_us or (definition.edge == "out" and long == definition.gap_us)


def last_chance(instants, one, definition):
    """Until when the attempt may do its next required step."""
    if definition.within_us is None:
        return float("inf")
    end = instants[one["begin"]][0] + definition.within_us
    if definition.gap_us is None:
        return end
    last = max(one["place"][k] for k in definition.required if k in one["place"])
    return min(end, instants[last][0] + definition.gap_us - (definition.edge == "out"))


def _optional(instants, begin, place, definition):
    """The first event after the step before it, up to the next required step, that needs no row twice."""
    start = instants[begin][0]
    together = definition.ties == "either"
    last = begin
    for k in range(1, len(definition.steps)):
        if not definition.steps[k].optional:
            last = place.get(k, last)
            continue
        before = max(one for one in definition.required if one < k)
        after = min((one for one in definition.required if one > k), default=None)
        if before not in place:
            continue
        for at in range(last if together else last + 1, len(instants)):
            time, masks, _ = instants[at]
            if definition.within_us is not None and time - start > definition.within_us:
                break
            if too_far(instants, place[before], at, definition):
                break
            if after in place and (at > place[after] or (at == place[after] and not together)):
                break
            here = [j for j, where in place.items() if where == at]
            if fits(masks, [*here, k], definition.reuse):
                place[k] = last = at
                break


def _any(instants, begin, definition):
    if any(step.anchored for step in definition.steps):
        return _anchored(instants, begin, definition)
    start = instants[begin][0]
    count = len(definition.steps)
    place, held, done = {}, [], 0
    for at in range(begin, len(instants)):
        time, masks, _ = instants[at]
        if definition.within_us is not None and time - start > definition.within_us:
            break
        held += masks
        while done < count and any(
            fits_any(held, steps, definition.reuse)
            for steps in itertools.combinations(range(count), done + 1)
        ):
            place[done] = at
            done += 1
    return {
        "begin": begin,
        "place": place,
        "running": done < count,
        "void": False,
        "void_depth": 0,
        "ended": None,
    }


def in_place(definition, k, done):
    """Whether nothing that must come before step `k` is missing, and nothing that must come after it is done."""
    before = [j for j in range(k) if definition.steps[k].anchored]
    for j in range(k):
        if definition.steps[j].anchored:
            before += range(j + 1)
    return set(before) <= done


def _anchored(instants, begin, definition):
    """Row after row; a step counts when all that must lie before it are done."""
    start, done, place = instants[begin][0], set(), {}
    for at in range(begin, len(instants)):
        time, masks, _ = instants[at]
        if definition.within_us is not None and time - start > definition.within_us:
            break
        earlier, changed = set(done), True
        while changed:
            changed = False
            for k in range(len(definition.steps)):
                known = earlier if definition.ties == "after" else done
                if k not in done and any(mask >> k & 1 for mask in masks) and in_place(definition, k, known):
                    place[len(done)] = at
                    done.add(k)
                    changed = True
    return {
        "begin": begin, "place": place, "running": len(done) < len(definition.steps), "void": False,
        "void_depth": 0, "ended": None,
    }  # fmt: skip


def fits_any(masks, steps, reuse):
    if reuse:
        return fits(masks, steps, True)
    useful = [mask for mask in masks if any(mask >> step & 1 for step in steps)]
    if len(useful) > 6:  # an exact cover by exhaustion over steps, not rows
        return _cover(useful, steps)
    return fits(useful, steps, False)


def _cover(masks, steps):
    if not steps:
        return True
    return any(
        masks[row] >> steps[0] & 1 and _cover(masks[:row] + masks[row + 1 :], steps[1:])
        for row in range(len(masks))
    )


def _repeats(instants, one, definition):
    """An attempt ends where a step after the first that it has done comes again."""
    place = one["place"]
    for at in range(one["begin"] + 1, len(instants)):
        again = [k for k, where in place.items() if k > 0 and where < at]
        if any(mask >> k & 1 for k in again for mask in instants[at][1]):
            break
    else:
        return
    if instants[at][0] <= last_chance(instants, one, definition):
        one["running"] = False
        one["ended"] = at if one["ended"] is None else min(at, one["ended"])
    for k in [k for k, where in place.items() if k > 0 and where >= at]:
        del place[k]
        one["running"] = False


def _exclude(instants, one, definition):
    """The first event between the two steps that must not be there undoes the attempt, or ends it."""
    place = one["place"]
    hits, chance = [], last_chance(instants, one, definition)
    for j, rule in enumerate(definition.exclude):
        if rule.after not in place:
            continue
        for at in range(place[rule.after] + 1, len(instants)):
            if not any(bad >> j & 1 for bad in instants[at][2]):
                continue
            late = instants[at][0] > chance
            if at < place[rule.before] if rule.before in place else not late:
                hits.append((at, rule.scope))
            break
    whole = [at for at, scope in hits if scope != "onward"]
    onward = [at for at, scope in hits if scope == "onward"]
    steps = range(len(definition.steps)) if definition.order == "any" else definition.required
    if hits:
        one["running"] = False
        one["ended"] = min([at for at, _ in hits] + ([] if one["ended"] is None else [one["ended"]]))
    if whole and (not onward or min(whole) <= min(onward)):
        one["void"] = True
        one["void_depth"] = sum(k in place and place[k] <= min(whole) for k in steps)
    if onward:
        for k in [k for k, at in place.items() if at > min(onward)]:
            del place[k]


def count(rows_by_unit, definition, as_of):  # noqa: C901, PLR0912 - one plain story
    """Return reached per step, running per unit and the void: the funnel, one unit at a time."""
    size = len(definition.steps)
    reached, running_n, void_n, units = [0] * size, 0, 0, []
    steps = range(size) if definition.order == "any" else definition.required
    for unit, rows in sorted(rows_by_unit.items()):
        made = attempts_of(rows, definition)
        times = _instants_of(rows, definition)
        for one in made:
            one["start"] = times[one["begin"]]
            one["times"] = [times[one["place"][k]] if k in one["place"] else None for k in range(size)]
            one["until"] = last_chance([(time,) for time in times], one, definition)
            one["now"] = one["running"] and one["until"] > as_of
        if definition.attempt == "best":
            clean = [one for one in made if not one["void"]]
            if made and any(rule.scope == "actor" for rule in definition.exclude):
                deepest = max((sum(one["times"][k] is not None for k in steps) for one in clean), default=0)
                if max(one["void_depth"] for one in made) > deepest:
                    void_n += 1
                    continue
            if not clean:
                void_n += bool(made)
                continue
            done = [
                min((one["times"][k] for one in clean if one["times"][k] is not None), default=None)
                for k in range(size)
            ]
            full = all(done[k] is not None for k in steps)
            units.append((unit, done, not full and any(one["now"] for one in clean)))
            continue
        chosen, free_at, free_after, ended = [], None, None, None
        for one in made:
            if definition.attempt == "first" and chosen:
                break
            if definition.attempt == "every" and chosen:
                if free_at is not None and one["begin"] <= free_at:
                    continue
                over = ended is not None and one["begin"] >= ended
                if free_after is not None and one["start"] <= free_after and not over:
                    continue
            chosen.append(one)
            free_at = free_after = None
            ended = one["ended"]
            complete = all(k in one["place"] for k in steps) and not one["void"]
            if complete:
                free_at = max(one["place"].values())
            else:
                free_after = one["until"]
        for one in chosen:
            if one["void"]:
                void_n += 1
            else:
                units.append((unit, one["times"], one["now"]))
    for _, done, now in units:
        running_n += now
        for k in range(size):
            reached[k] += done[k] is not None
    return {"reached": reached, "running": running_n, "void": void_n, "units": units}


def _instants_of(rows, definition):
    times = []
    for time, _, _ in rows:
        if definition.ties == "row" or not times or times[-1] != time:
            times.append(time)
    return times
