"""Concentration of Gaussian vectors with explicit constants (Appendix A), read from the columns of the initial W.

Column j of W is W e_j for a fixed unit vector e_j: m independent N(0, 2/m) entries, and the columns are independent
draws of them. So the network's own matrix is the Gaussian matrix that every lemma speaks of, with sigma^2 = 2/m.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.reading import as_reading, probed
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial

SCALES = np.arange(1, 101) / 100  # t / sigma at which Lemma A.12 is read: it speaks of t <= sigma
MEANS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)  # mu / sigma: "for every mean", from centred to far away


def square_norm_deviation(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """| ||x||^2 / (m sigma^2) - 1 | [1] for a column x of W; Lemma A.4 says < 1/b but for 2 exp(-m / (8 b^2))."""
    return (as_reading(abs(_square_norm(instance, trial) / instance.setting.width - 1)),)


def chi_square_exponent(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """t [1] whose border X = ||x||^2 / sigma^2 is on: X - m = 2 sqrt(m t) + 2 t or m - X = 2 sqrt(m t) (Lemma A.3).

    The lemma says P[t > s] <= exp(-s) on either side.
    """
    width, excess = instance.setting.width, _square_norm(instance, trial) - instance.setting.width
    if excess < 0:
        return (as_reading(excess**2 / (4 * width)),)
    return (as_reading(((np.sqrt(width + 2 * excess) - np.sqrt(width)) / 2) ** 2),)


def large_entry_mass(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """sum_k max{x_k^2 - log m, 0} / (2 sqrt m) [1] for m standard normal entries x; Lemma A.5 says < 1."""
    x, width = _standardised(instance)[:, 0], instance.setting.width
    return (as_reading(float(np.sum(np.maximum(x**2 - np.log(width), 0)) / (2 * np.sqrt(width)))),)


def relu_norm_deviation(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """| ||relu(W x)|| / ||x|| - 1 | [1] for a fixed x; Lemmas A.6 to A.10 say <= eps but for 2 exp(-eps^2 m / 100)."""
    return (as_reading(abs(float(_relu_norms(instance, backend, instance.W[0, :, :1])[0]) - 1)),)


def relu_norm_tail(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """c eps^2 m [1], so that ||relu(W x)|| / ||x|| leaves 1 +- eps as rarely as a Gaussian leaves sqrt(2 c eps^2 m) sd.

    The share s of the m columns that leave it becomes z^2 / 2 with 2 (1 - Phi(z)) = s, which grows like eps^2 m at
    every size, where log(1/s) does so only in the far tail. Half a column is added to the count, so that none is not
    infinite.
    """
    images = instance.W[0, : _independent_rows(instance, trial)]
    scale = np.sqrt(instance.setting.width / len(images))
    deviations = np.abs(_relu_norms(instance, backend, images) * scale - 1)
    outside = np.count_nonzero(deviations > probed(trial, "deviation"))
    score = scipy.special.ndtri(1 - (outside + 0.5) / (len(deviations) + 1) / 2)
    return (as_reading(float(score**2 / 2)),)


def masked_entries_law(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """sqrt(N) times the Kolmogorov distance of |v_k| from its law [1], v_k = 1[<W_k, h + q> >= 0] <W_k, h> (A.11).

    h and q are unit vectors fixed beforehand: pairs of columns, N = m floor(m/2) entries. Claimed: 0 with probability
    1/2, else |N(0, 2 ||h||^2 / m)|, that is P[|v_k| <= t] = Phi(t sqrt(m/2) / ||h||) for t >= 0.
    """
    return _entries_distance(_masked(instance))


def masked_entries_law_of_chosen_shift(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """sqrt(N) times the Kolmogorov distance of |v_k| from the law of Lemma A.11 [1], with q chosen after W.

    v_k = 1[<W_k, h + q> >= 0] <W_k, h>, with a q that leaves the larger half of |<W_k, h>| active.
    """
    return _entries_distance(_masked_by_size(instance))


def masked_norm_law(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """sqrt(N) times the Kolmogorov distance of m ||v||^2 / (2 ||h||^2) from its law [1], N = floor(m/2) pairs (h, q).

    Claimed (Lemma A.11): chi-square with omega degrees of freedom, omega ~ Bin(m, 1/2).
    """
    return _norms_distance(_masked(instance))


def masked_norm_law_of_chosen_shift(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """sqrt(N) times the Kolmogorov distance of m ||v||^2 / (2 ||h||^2) from its law [1], with q chosen after W.

    v_k = 1[<W_k, h + q> >= 0] <W_k, h>, with a q that leaves the larger half of |<W_k, h>| active.
    """
    return _norms_distance(_masked_by_size(instance))


def percentile_excess(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """sqrt(N) times how far shares of the N = m^2 entries of W leave Lemma A.12's bands, over t <= sigma [1].

    P[|x| >= t] lies in [1 - 4t/(5 sigma), 1 - 2t/(3 sigma)], and P[x >= t] in half of that.
    """
    x = _standardised(instance).ravel()
    one_sided, two_sided = 2 * _share_at_least(x), _share_at_least(np.abs(x))
    excess = max(_above(two_sided), _below(two_sided), _above(one_sided) / 2, _below(one_sided) / 2)
    return (as_reading(excess * float(np.sqrt(x.size))),)


def percentile_lower_excess_over_means(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """sqrt(N) times how far P[|x| >= t] falls below 1 - 4t/(5 sigma), over t <= sigma and means of 0 to 4 sigma [1]."""
    return _over_means(instance, MEANS, _below)


def percentile_upper_excess_over_means(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """sqrt(N) times how far P[|x| >= t] rises above 1 - 2t/(3 sigma), over t <= sigma and means of 0 to 4 sigma [1]."""
    return _over_means(instance, MEANS, _above)


def percentile_upper_excess(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """sqrt(N) times how far P[|x| >= t] rises above 1 - 2t/(3 sigma), over t <= sigma, for centred x [1].

    The repaired upper half of Lemma A.12.
    """
    return _over_means(instance, MEANS[:1], _above)


def good_share(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over signs of the share of +-x_k >= alpha sigma / 4, over (1 - alpha)/2 [1]: >= 1 where x is good.

    Definition A.14 with (alpha, sigma/4); Lemmas A.13, A.15, A.16 say good but for exp(-alpha^2 m / 100).
    """
    x, alpha = _standardised(instance)[:, 0], probed(trial, "deviation")
    if alpha >= 1:
        raise MeasurementError(trial.quantity, f"found deviation = {alpha:g}, wanted less than 1")
    share = min(np.mean(x >= alpha / 4), np.mean(x <= -alpha / 4))
    return (as_reading(float(share / ((1 - alpha) / 2))),)


def _standardised(instance: Instance) -> Array:
    """Return the entries of W, (m, m), over sigma = sqrt(2/m): standard normal at the paper's initialisation."""
    return np.asarray(instance.W[0] / np.sqrt(2 / instance.setting.width))


def _independent_rows(instance: Instance, trial: Trial) -> int:
    """Return the probe's rows: how many entries of a column are its own; each stands for m / rows equal ones."""
    rows, width = round(probed(trial, "rows")), instance.setting.width
    if not 1 <= rows <= width:
        raise MeasurementError(trial.quantity, f"rows must be between 1 and the width {width}, found {rows}")
    return rows


def _square_norm(instance: Instance, trial: Trial) -> float:
    """Return ||x||^2 / sigma^2 of the first column."""
    x = _standardised(instance)[: _independent_rows(instance, trial), 0]
    return float(np.sum(x**2)) * instance.setting.width / len(x)


def _relu_norms(instance: Instance, backend: Backend, images: Array) -> Array:
    """Return the norms of the columns' ReLU; E ||relu(W e_j)||^2 = 1."""
    return np.asarray(np.linalg.norm(backend.activate(np.ascontiguousarray(images), instance.activation), axis=0))


def _masked(instance: Instance) -> Array:
    """Return |v| / sigma, (m, floor(m/2)): column j has h = e_2j and q = e_2j+1."""
    x = _standardised(instance)
    h, q = x[:, 0::2][:, : x.shape[1] // 2], x[:, 1::2]
    return np.asarray(np.abs(h) * (h + q >= 0))


def _masked_by_size(instance: Instance) -> Array:
    """Return the same for the q that makes the larger half of |<W_k, h>| active: W has full rank, so there is one."""
    x = np.abs(_standardised(instance))
    h = x[:, 0::2][:, : x.shape[1] // 2]
    return np.asarray(h * (h >= np.median(h, axis=0)))


def _entries_distance(entries: Array) -> tuple[Reading, ...]:
    ordered = np.sort(entries, axis=None)
    inactive = int(np.searchsorted(ordered, 0, side="right"))
    after = np.arange(inactive + 1, ordered.size + 1) / ordered.size
    law = scipy.special.ndtr(ordered[inactive:])
    gaps = (abs(inactive / ordered.size - 0.5), *np.abs(after - law), *np.abs(law - after + 1 / ordered.size))
    return (as_reading(float(np.max(gaps) * np.sqrt(ordered.size))),)


def _norms_distance(entries: Array) -> tuple[Reading, ...]:
    width, count = entries.shape
    squares = np.sum(entries.astype(np.float64) ** 2, axis=0)
    return (as_reading(kolmogorov_distance(squares, lambda each: _mixture(each, width)) * float(np.sqrt(count))),)


def _mixture(values: Array, width: int) -> Array:
    """Return P[chi^2_omega <= value] with omega ~ Bin(width, 1/2), chi^2_0 being 0."""
    degrees = np.arange(width + 1)
    log_weights = (
        scipy.special.gammaln(width + 1)
        - scipy.special.gammaln(degrees + 1)
        - scipy.special.gammaln(width - degrees + 1)
        - width * np.log(2)
    )
    weights = np.exp(log_weights)
    return np.asarray(weights[0] + scipy.special.gammainc(degrees[1:] / 2, values[:, None] / 2) @ weights[1:])


def kolmogorov_distance(sample: Array, law: Callable[[Array], Array]) -> float:
    """Return sup_t |share of the sample <= t - law(t)| for a continuous distribution function [1].

    Dvoretzky, Kiefer, Wolfowitz and Massart: it exceeds s / sqrt(N) with probability at most 2 exp(-2 s^2).
    """
    if sample.size == 0:
        raise MeasurementError("empirical distribution", "nothing was drawn")
    ordered = np.sort(sample, axis=None)
    expected, count = law(ordered), ordered.size
    after = np.arange(1, count + 1) / count
    return float(max(np.max(after - expected), np.max(expected - after + 1 / count)))


def _share_at_least(x: Array) -> Array:
    """Return the share of entries >= t for every t of `SCALES`."""
    return np.asarray(1 - np.searchsorted(np.sort(x), SCALES, side="left") / x.size)


def _below(share: Array) -> float:
    return float(np.max(1 - 4 * SCALES / 5 - share))


def _above(share: Array) -> float:
    return float(np.max(share - (1 - 2 * SCALES / 3)))


def _over_means(instance: Instance, means: tuple[float, ...], leaves: Callable[[Array], float]) -> tuple[Reading, ...]:
    x = _standardised(instance).ravel()
    worst = max(leaves(_share_at_least(np.abs(x + mean))) for mean in means)
    return (as_reading(worst * float(np.sqrt(x.size))),)
