"""TfIdfVectorizer: how often each n-gram of a pool occurs."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.loop import F32, I32
from likewise.ops.case import Case, f32, i32, i64, strings
from likewise.ops.checks import check_dtype, check_rank
from likewise.ops.operator import Operator
from likewise.ops.selection import zeros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.loop import Value, Var
    from likewise.lower import Lowering, TensorView


class TfIdfVectorizer(Operator, versions=(9,)):
    """Counts of the pool's n-grams in [C] or in each row of [N, C], weighted as `mode` says.

    An n-gram with skip s takes every (s + 1)-th item; 1-grams know no skips. The i-th n-gram of
    the pool counts for column `ngram_indexes[i]` and has the weight `weights[i]`.
    """

    max_gram_length: int
    max_skip_count: int
    min_gram_length: int
    mode: Literal["TF", "IDF", "TFIDF"]
    ngram_counts: tuple[int, ...]
    ngram_indexes: tuple[int, ...]
    pool_int64s: tuple[int, ...] | None = None
    pool_strings: tuple[str, ...] | None = None
    weights: tuple[float, ...] | None = None

    def infer(self, x: TensorType) -> TensorType:
        pools = (self.pool_int64s, self.pool_strings)
        if (pools[0] is None) == (pools[1] is None):
            raise InferenceError("one of pool_int64s and pool_strings must be given")
        integers = {DType.INT32, DType.INT64}
        check_dtype(x, integers if pools[1] is None else {DType.STRING}, "X")
        check_rank(x, {1, 2}, "X")
        if self.weights and len(self.weights) != len(self.ngram_indexes):
            raise InferenceError(
                "weights and ngram_indexes differ in length",
                given=f"{len(self.weights)} and {len(self.ngram_indexes)}",
            )
        if min(self.ngram_indexes, default=0) < 0 or self.min_gram_length < 1:
            raise InferenceError("ngram_indexes or min_gram_length is negative or zero")
        sum(len(grams) for _, grams in self._grams)
        return TensorType(DType.FLOAT, (*x.shape[:-1], self._columns))

    @property
    def _columns(self) -> int:
        return max(self.ngram_indexes, default=-1) + 1

    @cached_property
    def _vocabulary(self) -> dict[Any, int]:
        """The items of the pool, numbered."""
        pool = self.pool_int64s if self.pool_strings is None else self.pool_strings
        return {item: index for index, item in enumerate(dict.fromkeys(pool or ()))}

    @cached_property
    def _grams(self) -> list[tuple[int, Array]]:
        """For each length where its n-grams start in `ngram_indexes`, and they, [count, length]."""
        pool: tuple[Any, ...] = self.pool_int64s or self.pool_strings or ()
        numbers = np.array([self._vocabulary[item] for item in pool], np.int64)
        bounds = (*self.ngram_counts, len(pool))
        made, position = [], 0
        for length, (start, stop) in enumerate(pairwise(bounds), 1):
            if not 0 <= start <= stop <= len(pool) or (stop - start) % length:
                raise InferenceError(
                    f"ngram_counts does not cut the pool into {length}-grams",
                    given=f"{list(self.ngram_counts)} for a pool of {len(pool)}",
                )
            made.append((position, numbers[start:stop].reshape(-1, length)))
            position += (stop - start) // length
        if position != len(self.ngram_indexes):
            raise InferenceError(
                "ngram_indexes does not fit the pool",
                given=f"{len(self.ngram_indexes)} indexes",
                allowed=f"{position}, the number of n-grams",
            )
        return made

    def evaluate(self, x: Array) -> Array:
        rows = self._numbered(x.reshape(1, -1) if x.ndim == 1 else x)
        counts = np.zeros((len(rows), len(self.ngram_indexes)), np.float32)
        for length, (position, grams) in enumerate(self._grams, 1):
            if not self.min_gram_length <= length <= self.max_gram_length or not len(grams):
                continue
            skips = min(self.max_skip_count, rows.shape[1])  # more leave no room for two items
            for skip in range(skips + 1 if length > 1 else 1):
                self._count(rows, grams, skip + 1, counts[:, position : position + len(grams)])
        # Several n-grams may count for one column.
        weights = np.array(self.weights or [1] * counts.shape[1], np.float32)
        if self.mode == "IDF":
            counts = np.minimum(counts, 1)
        if self.mode != "TF":
            counts = counts * weights
        made = np.zeros((self._columns, len(rows)), np.float32)
        np.add.at(made, np.array(self.ngram_indexes, np.int64), counts.T)
        return made[:, 0] if x.ndim == 1 else made.T

    def _numbered(self, rows: Array) -> Array:
        """The items as numbers of the vocabulary; -1 where it lacks them."""
        get = self._vocabulary.get
        numbers = np.array([get(item, -1) for item in rows.ravel().tolist()], np.int64)
        return numbers.reshape(rows.shape)

    def _count(self, rows: Array, grams: Array, step: int, counts: Array) -> None:
        """Add to `counts` [N, grams] how often each n-gram stands in a row, items `step` apart."""
        length = grams.shape[1]
        windows = rows.shape[1] - step * (length - 1)
        if windows <= 0:
            return
        base = len(self._vocabulary)
        # Prefix by prefix: a prefix and the next item together have a number, looked up among
        # those of the pool's n-grams.
        found = np.zeros((len(rows), windows), np.int64)
        known = np.zeros(len(grams), np.int64)
        for column in range(length):
            item = rows[:, column * step : column * step + windows]
            codes, known = np.unique(known * base + grams[:, column], return_inverse=True)
            code = np.where((found < 0) | (item < 0), -1, found * base + item)
            slot = np.minimum(np.searchsorted(codes, code), len(codes) - 1)
            found = np.where(codes[slot] == code, slot, -1)
        row, place = np.nonzero(found >= 0)
        totals = np.zeros((len(rows), int(known.max()) + 1), np.float32)
        np.add.at(totals, (row, found[row, place]), 1)
        counts += totals[:, known]

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        rows = lowering.materialise(lowering.cast(x, DType.INT64))
        rows = rows.reshape((1, *x.shape) if x.rank == 1 else x.shape)
        made = lowering.empty(DType.FLOAT, (rows.shape[0], self._columns))
        with lowering.kernel("f32_tfidf_zeros") as k:
            zeros(k, made)
        items = np.array(list(self._vocabulary), np.int64)
        for length, (position, grams) in enumerate(self._grams, 1):
            if self.min_gram_length <= length <= self.max_gram_length and len(grams):
                skips = min(self.max_skip_count, rows.shape[1]) if length > 1 else 0
                part = slice(position, position + len(grams))
                self._lower_grams(lowering, rows, items[grams], skips, part, made)
        return made.reshape((*x.shape[:-1], self._columns))

    def _lower_grams(
        self,
        lowering: Lowering,
        rows: TensorView,
        grams: Array,
        skips: int,
        part: slice,
        made: TensorView,
    ) -> None:
        """Add to `made` what n-grams of one length, those of `part` in the pool, count."""
        table = lowering.constant(grams)
        columns = lowering.constant(np.array(self.ngram_indexes[part], np.int32))
        weights = None
        if self.weights and self.mode != "TF":
            weights = lowering.constant(np.array(self.weights[part], np.float32))
        count, length = grams.shape
        with (
            lowering.kernel("f32_tfidf") as k,
            k.loop(rows.shape[0]) as row,
            k.loop(count) as gram,
        ):
            total = k.var(0.0, F32)
            with k.loop(skips + 1) as skip:
                windows = k.max(rows.shape[1] - (skip + 1) * (length - 1), 0)
                at = k.var(0, I32)
                with k.while_(lambda: at.get() < windows):
                    item = k.var(0, I32)

                    def same(item: Var = item, at: Var = at, skip: Value = skip) -> Value:
                        place = at.get() + item.get() * (skip + 1)
                        return (item.get() < length) & rows.read(
                            k, (row, k.min(place, rows.shape[1] - 1))
                        ).eq(table.read(k, (gram, k.min(item.get(), length - 1))))

                    with k.while_(same):
                        item.set(item.get() + 1)
                    with k.if_(item.get().eq(length)):
                        total.set(total.get() + 1.0)
                    at.set(at.get() + 1)
            found = total.get()
            if self.mode == "IDF":
                found = k.min(found, 1.0)
            if weights is not None:
                found = found * weights.read(k, (gram,))
            place = (row, columns.read(k, (gram,)))
            k.write(*made.address(k, place), made.read(k, place) + found)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        def of(mode: Any = "TF", *, shortest: int = 1, skips: int = 0, **given: Any) -> Operator:
            settings: dict[str, Any] = {
                "ngram_counts": (0, 2),
                "ngram_indexes": (2, 0, 1),
                "pool_int64s": (5, 6, 5, 6, 6, 5),
                **given,
            }
            settings["ngram_indexes"] = given.get("ngram_indexes", (3, 0, 1, 2))
            return cls(
                mode=mode,
                min_gram_length=shortest,
                max_gram_length=2,
                max_skip_count=skips,
                **settings,
            )

        x, weights = i64([5, 6, 7, 5, 5]), (10.0, 20.0, 30.0, 40.0)
        yield Case(of(), [x], [f32([1, 1, 0, 3])])
        yield Case(of(skips=3), [x], [f32([1, 1, 2, 3])])
        yield Case(of(shortest=2), [i32([[5, 6], [6, 5]])], [f32([[0, 1, 0, 0], [0, 0, 1, 0]])])
        yield Case(of("IDF", weights=weights), [x], [f32([20, 30, 0, 10])])
        yield Case(of("TFIDF", weights=weights), [x], [f32([20, 30, 0, 30])])
        words = of(pool_int64s=None, pool_strings=("a", "b", "a", "b", "b", "a"))
        yield Case(words, [strings(["b", "a", "z"])], [f32([1, 0, 1, 1])])
        yield Case(of(), [np.zeros((2, 0), np.int64)], [np.zeros((2, 4), np.float32)])
        yield Case(words, [x], error="X has an element type")
        yield Case(of(pool_int64s=None), [x], error="one of pool_int64s and pool_strings")
        yield Case(of(ngram_counts=(0, 3)), [x], error="does not cut the pool into 2-grams")
        yield Case(of(ngram_indexes=(0, 1)), [x], error="ngram_indexes does not fit the pool")
