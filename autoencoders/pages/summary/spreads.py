"""Deviations of scores over the seeds of networks, where these exceed those over the seeds of the clusterer."""

import pandas as pd

from autoencoders.pages.summary.texts import PLACES

# What a deviation is over that `cluster` measured.
CLUSTERER = "seeds of the clusterer"


def widened(clustering: pd.DataFrame, spreads: pd.DataFrame) -> pd.DataFrame:
    """Return a table of clusterings with the larger of two deviations of each score, and what that is over.

    They are compared as they are shown, rounded to PLACES.

    Parameters
    ----------
    clustering : DataFrame
        Columns `representation`, `clustering`, and of each score `<score>` and its deviation, `<score>_std`.
    spreads : DataFrame
        Columns `representation`, `clustering`, `over`, a few words, and deviations under the scores' names. Of several
        rows on one clustering the largest counts.

    Returns
    -------
    DataFrame
        With a column `<score>_over` for each deviation: CLUSTERER, or the words of the row that it is from.
    """
    found = clustering.copy()
    scores = [column for column in clustering if f"{column}_std" in clustering]
    for score in scores:
        found[f"{score}_over"] = CLUSTERER
    for spread in spreads.to_dict("records"):
        same = (found["representation"] == spread["representation"]) & (found["clustering"] == spread["clustering"])
        for score in scores:
            wider = same & (found[f"{score}_std"].round(PLACES) < round(spread.get(score, 0.0), PLACES))
            found.loc[wider, [f"{score}_std", f"{score}_over"]] = spread.get(score, 0.0), spread["over"]
    return found
