"""Slow and obvious twins of the generated tasks: one sequence, one step at a time.

Imports nothing of the package. A twin does not draw: it reads the inputs of a sequence as a person
would, checks that they are what the paper says, and tells the targets.
"""

from __future__ import annotations

import math


def column(x, k):
    return [float(row[k]) for row in x]


def symbol(row):
    """The place of the 1 in a one-hot row."""
    assert sorted(float(value) for value in row) == [0.0] * (len(row) - 1) + [1.0]
    return [float(value) for value in row].index(1.0)


def symbols(x):
    return [symbol(row) for row in x]


# ---- targets


def addition(x, T, source):
    return _operands(x, T, source, (-1.0, 1.0) if source == "hochreiter1997" else (0.0, 1.0), 0.0)


def multiplication(x, T, source):
    return _operands(x, T, source, (0.0, 1.0), 1.0)


def xor(x, T, source):
    u, v = _operands(x, T, source, (0.0, 1.0), None)
    assert all(value in (0.0, 1.0) for value in column(x, 0))
    return u, v


def _operands(x, T, source, limits, neutral):
    """The two marked numbers, after checks of lengths, ranges and places."""
    numbers, marks = column(x, 0), column(x, 1)
    steps = len(x)
    assert T <= steps <= T + T // 10
    assert all(limits[0] <= number <= limits[1] for number in numbers)
    marked = [t for t in range(steps) if marks[t] == 1.0]
    others = [marks[t] for t in range(steps) if t not in marked]
    if source == "martens2011":
        assert others == [0.0] * (steps - 2)
        first, second = marked
        assert 1 <= first + 1 <= steps // 10
        assert steps // 10 + 1 <= second + 1 <= steps // 2
        return numbers[first], numbers[second]
    assert marks[0] == -1.0
    assert marks[-1] == -1.0
    assert others == [-1.0] + [0.0] * (len(others) - 2) + [-1.0]
    assert all(t <= T // 2 - 1 for t in marked)
    if len(marked) == 1:  # the other one was the first step
        assert numbers[0] == neutral
        return neutral, numbers[marked[0]]
    assert min(marked) < 10
    return numbers[marked[0]], numbers[marked[1]]


def marked_target(name, x, T, source):
    u, v = {"addition": addition, "multiplication": multiplication, "xor": xor}[name](x, T, source)
    if name == "xor":
        return 0.0 if u == v else 1.0
    if name == "multiplication":
        return u * v
    return 0.5 + (u + v) / 4 if source == "hochreiter1997" else (u + v) / 2


def adding_target(x, T, marks):
    numbers, mask = column(x, 0), column(x, 1)
    assert len(x) == T
    assert sorted(mask) == [0.0] * (T - 2) + [1.0, 1.0]
    assert all(0.0 <= number <= 1.0 for number in numbers)
    first, second = (t for t in range(T) if mask[t] == 1.0)
    if marks == "halves":
        assert first < T // 2 <= second
    return numbers[first] + numbers[second]


def order_label(x, T, bits, source):
    """The class of a sequence of X (0), Y (1) and distractors (2 to 5), E (6) and B (7)."""
    seen = symbols(x)
    ranges = {
        ("martens2011", 2): [(0.1, 0.2), (0.5, 0.6)],
        ("martens2011", 3): [(0.1, 0.2), (0.3, 0.4), (0.6, 0.7)],
        ("hochreiter1997", 2): [(0.1, 0.2), (0.5, 0.6)],
        ("hochreiter1997", 3): [(0.1, 0.2), (0.33, 0.43), (0.66, 0.76)],
    }[source, bits]
    if source == "hochreiter1997":
        assert T <= len(x) <= T + T // 10
        assert (seen[0], seen[-1]) == (6, 7)
        assert not {6, 7} & set(seen[1:-1])
    else:
        assert len(x) == T
    special = [(t + 1, s) for t, s in enumerate(seen) if s < 2]
    assert len(special) == bits
    for (step, _), (low, high) in zip(special, ranges, strict=True):
        assert math.floor(low * T + 1e-9) <= step <= math.floor(high * T + 1e-9)
    word = "".join("XY"[s] for _, s in special)
    pairs = ["XX", "XY", "YX", "YY"]
    if bits == 2:
        return pairs.index(word)
    return 4 * "XY".index(word[0]) + pairs.index(word[1:])


def permutation_labels(x, T, count):
    seen = symbols(x)
    assert len(seen) == T
    assert seen[0] in (0, 1)
    assert all(2 <= s < count for s in seen[1:])
    return seen[1:] + seen[:1]


def recall_labels(x, T, count, values, variable, trigger):
    """What to say at each step; ``count`` symbols of so many ``values``."""
    seen, blank = symbols(x), values
    assert len(seen) == T + 2 * count
    pattern, rest = seen[:count], seen[count:]
    assert all(s < values for s in pattern)
    assert rest.count(blank + 1) == 1
    assert rest.count(blank) == len(rest) - 1
    asked = count + rest.index(blank + 1)  # the step of the trigger
    first = asked + 1 if trigger == "before" else asked  # the step of the first answer
    lag = first - count
    assert 1 <= lag <= T if variable else lag == T
    labels = [blank] * len(seen)
    for k in range(count):
        labels[first + k] = pattern[k]
    return labels


# ---- criteria


def wrong_value(output, target, criterion):
    if not math.isfinite(output):
        return True
    error = output - target
    return abs(error) >= 0.04 if criterion == "absolute" else error * error > 0.04


def wrong_sign(output, target):
    if not math.isfinite(output):
        return True
    probability = 1 / (1 + math.exp(-output))
    return (probability > 0.5) != (target == 1.0)


def largest(outputs):
    if not all(math.isfinite(o) for o in outputs):
        return None
    best = 0
    for k in range(len(outputs)):
        if outputs[k] > outputs[best]:
            best = k
    return best


def wrong_unit(outputs, label):
    if not all(math.isfinite(o) for o in outputs):
        return True
    terms = [math.exp(o - max(outputs)) for o in outputs]
    for k, term in enumerate(terms):
        wanted = 1.0 if k == label else 0.0
        if abs(term / sum(terms) - wanted) >= 0.3:
            return True
    return False


def cross_entropy(outputs, label):
    terms = [math.exp(o - max(outputs)) for o in outputs]
    return -math.log(terms[label] / sum(terms))
