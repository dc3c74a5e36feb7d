"""What the results say: the best for each purpose, and whether it beats what works without a network."""

from typing import NamedTuple

import pandas as pd

from autoencoders.pages.summary.tables import Summary
from autoencoders.pages.summary.texts import mean, number, words


class Finding(NamedTuple):
    """What is best for one purpose, on one data set.

    Attributes
    ----------
    purpose, dataset, value, measure, winner, text : str
    verdict : {"learned", "close", "baseline", "alone"}
        Whether what was learned wins, differs from a baseline by no more than their deviations, loses to one, or has
        none.
    """

    purpose: str
    dataset: str
    value: str
    measure: str
    winner: str
    verdict: str
    text: str


def findings(summary: Summary) -> list[Finding]:
    """Return what is best for each purpose and data set, in the order in which a reader asks."""
    deepest = summary.search["k"].max()
    return [
        *leaders(summary.networks, "Reconstruction", "test PSNR", "dB PSNR"),
        *contests(summary.clustering, "Clustering", "accuracy", "accuracy", "clustering"),
        *contests(
            summary.search[summary.search["k"] == deepest], "Search", "precision", f"precision at {deepest}", "metric"
        ),
        *gains(summary.denoising, "Denoising", "dB PSNR over the best filter"),
        *leaders(_drawn(summary.samples), "Samples", "confident share", "confident share"),
        *gains(summary.sequence, "Prediction of lower rows", "dB PSNR over the best guess"),
        *leaders(summary.networks, "Classification", "test accuracy", "test accuracy"),
    ]


def headlines(summary: Summary) -> dict[str, str]:
    """Return for each network and code the best that was measured of it, in a line."""
    lines: dict[str, list[str]] = {}
    for row in summary.networks.to_dict("records"):
        known = {key: row.get(key) for key in ("test PSNR", "test accuracy", "code size") if pd.notna(row.get(key))}
        forms = {
            "test PSNR": (1, "{} dB PSNR"),
            "test accuracy": (3, "test accuracy {}"),
            "code size": (0, "code of {}"),
        }
        lines[row["network"]] = [forms[key][1].format(number(value, forms[key][0])) for key, value in known.items()]
    for rows, score in ((summary.clustering, "accuracy"), (summary.clustering_unlabelled, "stability")):
        # No two names of codes are the same.
        known = rows.groupby("representation")[score].max().dropna() if score in rows else pd.Series(dtype=float)
        for name, best in known.items():
            lines.setdefault(str(name), []).append(f"clustering {score} up to {number(best, 3)}")
    return {name: " · ".join(parts) for name, parts in lines.items()}


def leaders(rows: pd.DataFrame, purpose: str, score: str, measure: str) -> list[Finding]:
    """Return, for each data set, the row with the highest score, where there is no baseline to compare with.

    Parameters
    ----------
    rows : DataFrame
        Columns `dataset`, `network`, perhaps the score's, and perhaps `note`, a sentence on the row.
    purpose, score, measure : str
        The heading, the column, and what its values are called.
    """
    found = []
    for dataset, group in rows.dropna(subset=[score]).groupby("dataset", sort=False) if score in rows else ():
        best = group.loc[group[score].idxmax()]
        text = f"The best of {len(group)}; no baseline was measured." if len(group) > 1 else "The only one measured."
        value = number(best[score], 2 if best[score] >= 1 else 3)
        text = f"{text} {best.get('note', '')}".strip()
        found.append(Finding(purpose, str(dataset), value, measure, best["network"], "alone", text))
    return found


def contests(rows: pd.DataFrame, purpose: str, score: str, measure: str, by: str) -> list[Finding]:
    """Return, for each data set, what has the highest score, and whether it beats every baseline or is one.

    Parameters
    ----------
    rows : DataFrame
        Columns `dataset`, `representation`, `kind`, `learned`, the score's, the one named by `by`, and perhaps the
        score's standard deviation, under its name with `_std`.
    purpose, score, measure : str
        The heading, the column, and what its values are called.
    by : str
        The column that tells how a code was used.
    """
    found: list[Finding] = []
    if score not in rows:
        return found
    deviations = rows[f"{score}_std"] if f"{score}_std" in rows else pd.Series(float("nan"), index=rows.index)
    rows = rows.assign(_deviation=deviations).dropna(subset=[score])
    for dataset, group in rows.groupby("dataset", sort=False):
        ranked = group.sort_values(score, ascending=False, kind="stable")
        best = ranked.iloc[0]
        winner = f"{best['representation']}, {best[by]}"
        verdict, text = _judge(ranked, score, by)
        found.append(
            Finding(purpose, str(dataset), mean(best[score], best["_deviation"]), measure, winner, verdict, text)
        )
    return found


def _judge(ranked: pd.DataFrame, score: str, by: str) -> tuple[str, str]:
    """Compare the best of what was learned with the best baseline."""
    learned, baselines = ranked[ranked["learned"]], ranked[~ranked["learned"]]
    if learned.empty or baselines.empty:
        return "alone", "There is nothing to compare it with."
    first, baseline = learned.iloc[0], baselines.iloc[0]

    def reached(row: pd.Series) -> str:
        kind = row["kind"] if row["learned"] else "baseline"
        return f"The best {kind}, {row['representation']}, {row[by]}, reaches {number(row[score], 3)}"

    lead = first[score] - baseline[score]
    codes = learned[learned["kind"] == "autoencoder"]
    # The best may be an embedding of a code; a reader wants to know of the codes themselves too.
    more = f" {reached(codes.iloc[0])}." if first["kind"] != "autoencoder" and len(codes) else ""
    if abs(lead) <= first[["_deviation"]].fillna(0).sum() + baseline[["_deviation"]].fillna(0).sum():
        other = baseline if lead > 0 else first
        return "close", f"{reached(other)}; the difference lies within the standard deviations.{more}"
    if lead < 0:
        return "baseline", f"{reached(first)}: {number(-lead, 3)} less.{more}"
    return "learned", f"{reached(baseline)}: {number(lead, 3)} less.{more}"


def gains(rows: pd.DataFrame, purpose: str, measure: str, score: str = "PSNR") -> list[Finding]:
    """Return, for each data set, the network that is furthest above its best baseline, or the least below.

    Parameters
    ----------
    rows : DataFrame
        Columns `dataset`, `network`, `method`, `role` and the score's: of each network one row of the role "network",
        and others of the role "baseline" to compare it with.
    purpose, measure : str
        The heading, and what the difference is called.
    score : str, optional
    """
    compared = []
    for (dataset, network), group in rows.groupby(["dataset", "network"], sort=False):
        own = group.loc[group["role"] == "network", score].max()
        baselines = group[group["role"] == "baseline"].dropna(subset=[score])
        if len(baselines):
            best = baselines.loc[baselines[score].idxmax()]
            compared.append((dataset, network, own, best["method"], best[score], own - best[score]))
    columns = ["dataset", "network", "own", "rival", "best", "gain"]
    found = []
    for dataset, group in pd.DataFrame(compared, columns=columns).groupby("dataset", sort=False):
        best = group.loc[group["gain"].idxmax()]
        text = (
            f"{best['network']} reaches {number(best['own'], 2)} dB, "
            f"the best baseline, {best['rival']}, {number(best['best'], 2)} dB."
        )
        winner, verdict = (best["network"], "learned") if best["gain"] > 0 else (best["rival"], "baseline")
        found.append(Finding(purpose, str(dataset), number(best["gain"], 2, sign=True), measure, winner, verdict, text))
    return found


def _drawn(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of images that a network drew, with a note on what they are to be compared with."""
    if samples.empty:
        return samples
    test = samples[samples["method"] == words("test")].set_index("network")["confident share"]
    drawn = samples[samples["role"] == "samples"].dropna(subset=["class entropy"])
    notes = [
        f"Class entropy: {number(entropy, 2)} of 1. "
        f"The classifier is confident of {number(test[network], 3)} of real test images."
        for network, entropy in zip(drawn["network"], drawn["class entropy"], strict=True)
    ]
    return drawn.assign(network=drawn["network"] + ", " + drawn["method"], note=notes)
