"""Users' matrices: every accepted form, every refusal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from reservoir.errors import DataError
from reservoir.weights import check_input, check_recurrent

FORMATS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
SQUARE = np.array([[0.0, 1.5, 0.0], [0.0, 0.0, -2.0], [3.0, 0.0, 0.25]])


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.uint16, np.int64])
def test_sparse_forms(form: str, kind: str, dtype: type) -> None:
    dense = SQUARE.astype(dtype)
    given_matrix = getattr(sparse, f"{form}_{kind}")(dense)
    W = check_recurrent(given_matrix)
    assert isinstance(W, sparse.csr_array)
    assert W.indices.dtype == W.indptr.dtype == np.int32
    assert W.dtype == (np.float32 if dtype is np.float32 else np.float64)
    assert np.array_equal(W.toarray(), dense)
    W_in = check_input(given_matrix, 3, 3)
    assert type(W_in) is np.ndarray
    assert W_in.dtype == W.dtype
    assert np.array_equal(W_in, dense)


@given(st.integers(1, 8), st.integers(0, 10**6))
def test_canonical_form_of_any_triplets(units: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(0, 30))
    rows, columns = rng.integers(0, units, (2, size))
    values = rng.integers(-2, 3, size)
    naive = np.zeros((units, units))
    for row, column, value in zip(rows, columns, values, strict=True):
        naive[row, column] += value
    W = check_recurrent(sparse.coo_array((values, (rows, columns)), shape=(units, units)))
    assert np.array_equal(W.toarray(), naive)
    assert W.nnz == np.count_nonzero(naive)  # no duplicates, no stored zeros
    for a, b in zip(W.indptr[:-1], W.indptr[1:], strict=True):
        assert (np.diff(W.indices[a:b]) > 0).all()


def test_unsorted_csr_with_duplicates() -> None:
    raw = sparse.csr_array(
        (np.array([1.0, 2.0, 3.0, 0.0]), np.array([1, 0, 1, 0]), np.array([0, 3, 4])), shape=(2, 2)
    )
    W = check_recurrent(raw)
    assert W.indices.tolist() == [0, 1]
    assert W.data.tolist() == [2.0, 4.0]
    assert raw.data.tolist() == [1.0, 2.0, 3.0, 0.0]  # not changed


def test_small_integers_do_not_wrap_when_duplicates_are_summed() -> None:
    hundred = np.array([100, 100], dtype=np.int8)
    W = check_recurrent(sparse.coo_array((hundred, ([0, 0], [0, 0])), shape=(1, 1)))
    assert W.toarray() == 200.0


@pytest.mark.parametrize(
    "dtype, result",
    [
        (np.float32, np.float32),
        (">f4", np.float32),
        (np.float64, np.float64),
        (">f8", np.float64),
        (np.float16, np.float64),
        (np.longdouble, np.float64),
        (np.int32, np.float64),
        (np.uint8, np.float64),
    ],
)
def test_dtypes_of_arrays(dtype: object, result: type) -> None:
    for order in ("C", "F"):
        W = np.array([[0, 1], [2, 3]], dtype=dtype, order=order)
        for checked in (check_recurrent(W), check_input(W, 2, 2)):
            assert type(checked) is np.ndarray
            assert checked.dtype == np.dtype(result)
            assert checked.dtype.isnative
            assert checked.flags.c_contiguous
            assert checked.tolist() == [[0.0, 1.0], [2.0, 3.0]]


def test_lists_and_matrices_become_arrays() -> None:
    assert check_recurrent([[1, 2], [3, 4]]).dtype == np.float64
    assert type(check_recurrent(sparse.csr_matrix(np.eye(2)).todense())) is np.ndarray


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array, sparse.coo_array])
def test_the_result_is_a_copy(convert) -> None:
    W = convert(SQUARE.copy())
    stored = W.data if sparse.issparse(W) else W
    checked, checked_in = check_recurrent(W), check_input(W, 3, 3)
    stored[...] = 7.0
    assert not (checked == 7.0).sum()
    assert not (checked_in == 7.0).any()


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("value, word", [(np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_the_first_bad_number_is_located(convert, value: float, word: str) -> None:
    W = SQUARE.copy()
    W[2, 0] = np.nan
    W[1, 2] = value
    for check in (check_recurrent, lambda M: check_input(M, 3, 3, "W")):
        with pytest.raises(DataError, match=f"^W has {word} at row 1, column 2 "):
            check(convert(W))


def test_opposite_infinities_at_one_place_are_seen() -> None:
    W = sparse.coo_array((np.array([np.inf, -np.inf]), ([0, 0], [1, 1])), shape=(2, 2))
    with pytest.raises(DataError, match="W has inf at row 0, column 1"):
        check_recurrent(W)


def test_sums_and_conversions_that_overflow_are_seen() -> None:
    W = sparse.coo_array((np.array([1e308, 1e308]), ([0, 0], [1, 1])), shape=(2, 2))
    with pytest.raises(DataError, match="W has inf at row 0, column 1"):
        check_recurrent(W)
    large = np.zeros((2, 2), dtype=np.longdouble)
    large[1, 0] = np.longdouble("1e400")
    if np.isfinite(large).all():  # where long double is wider than double
        with pytest.raises(DataError, match="W has inf at row 1, column 0"):
            check_recurrent(large)


@pytest.mark.parametrize(
    "W, words",
    [
        (np.ones((2, 3)), r"W must be square, .* \(2, 3\)"),
        (sparse.csr_array(np.ones((2, 3))), r"W must be square, .* \(2, 3\)"),
        (np.ones(4), r"W must have two dimensions; got shape \(4,\)"),
        (np.ones((2, 2, 2)), "two dimensions"),
        (sparse.coo_array(np.ones(4)), "two dimensions"),
        (3.0, "two dimensions"),
        (None, "two dimensions|real numbers"),
        (np.zeros((0, 0)), "at least one unit"),
        (np.ones((2, 2), dtype=complex), "real numbers; its dtype is complex128"),
        (sparse.csr_array(np.ones((2, 2), dtype=complex)), "real numbers; its dtype is complex"),
        (np.ones((2, 2), dtype=object), "real numbers; its dtype is object"),
        (np.ones((2, 2), dtype=bool), "real numbers; its dtype is bool"),
        (sparse.csr_array(np.ones((2, 2), dtype=bool)), "real numbers; its dtype is bool"),
        (np.array([["1", "2"], ["3", "4"]]), "real numbers; its dtype is <U1"),
        (np.zeros((2, 2), dtype="M8[s]"), "real numbers"),
        ([[1.0, 2.0], [3.0]], "W is not an array of numbers"),
        (np.ma.masked_invalid([[1.0, np.nan], [0.0, 0.0]]), "W is a masked array"),
    ],
)
def test_recurrent_refusals(W: object, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        check_recurrent(W)
    assert "\n" not in str(caught.value)


def test_input_refusals_use_the_name() -> None:
    with pytest.raises(DataError, match=r"^W_in must have shape \(5, 2\), .* got \(2, 5\)"):
        check_input(np.ones((2, 5)), 5, 2)
    with pytest.raises(DataError, match=r"^W_fb must have shape \(5, 2\)"):
        check_input(sparse.csr_array(np.ones((2, 5))), 5, 2, name="W_fb")
    with pytest.raises(DataError, match=r"^W_fb must have two dimensions"):
        check_input(np.ones(5), 5, 1, name="W_fb")
    with pytest.raises(DataError, match=r"^W_fb must hold real numbers"):
        check_input(np.ones((5, 1), dtype=bool), 5, 1, name="W_fb")


def test_no_columns_is_a_shape() -> None:
    assert check_input(np.zeros((4, 0)), 4, 0, name="W_fb").shape == (4, 0)
