"""The layers of `params.yaml`: the recipe's values, and the defaults that lie under each network and embedding."""

from collections.abc import Callable, Mapping, Sequence

from autoencoders.core.errors import InputError
from stages.shared.settings.defaults import EMBEDDINGS
from stages.shared.settings.fields import either

RECIPES = ("fast", "chapter")
WITH_RECIPES = ("defaults", "classifiers", "autoencoders")
WITH_DEFAULTS = ("classifiers", "autoencoders", "embeddings")


def of_recipe(values: Mapping) -> dict:
    """Replace `{fast: …, chapter: …}` in networks and in their defaults by the value of the recipe in force.

    Returns the values as they are where there is no such recipe; the check of all settings then says so.

    Raises
    ------
    InputError
        If a value is given for something else than a recipe, or not for the recipe in force.
    """
    recipe = values.get("recipe")
    if recipe not in RECIPES:
        return dict(values)

    def chosen(settings: Mapping, key: str) -> dict:
        # The graph runs embeddings again for changes of their own values alone, and not for another recipe.
        if key.removeprefix("defaults.") in EMBEDDINGS:
            return dict(settings)
        return {name: _chosen(value, recipe, f"{key}.{name}") for name, value in settings.items()}

    return _change(values, WITH_RECIPES, chosen)


def with_defaults(values: Mapping) -> dict:
    """Lay every network and embedding over the defaults of its kind, of which it replaces whole values."""
    defaults = values.get("defaults")
    if not isinstance(defaults, Mapping):
        return dict(values)

    def laid(settings: Mapping, _: str) -> dict:
        kind = settings.get("kind")
        under = defaults.get(kind) if isinstance(kind, str) else None
        return {**under, **settings} if isinstance(under, Mapping) else dict(settings)

    return _change(values, WITH_DEFAULTS, laid)


def _change(values: Mapping, groups: Sequence[str], change: Callable[[Mapping, str], dict]) -> dict:
    """Change each mapping in the groups, given its dotted key; what is none stays, for the check of all settings."""
    changed = {
        group: {
            name: change(settings, f"{group}.{name}") if isinstance(settings, Mapping) else settings
            for name, settings in values[group].items()
        }
        for group in groups
        if isinstance(values.get(group), Mapping)
    }
    return {**values, **changed}


def _chosen(value: object, recipe: str, key: str) -> object:
    """Return what a value, given its dotted key, is under the recipe."""
    if not isinstance(value, Mapping) or not value.keys() & set(RECIPES):
        return value
    if unknown := value.keys() - set(RECIPES):
        wrong = min(map(str, unknown))
        raise InputError(f"{key} gives a value for '{wrong}', which is no recipe; use {either(RECIPES)}.")
    if recipe not in value:
        raise InputError(f"{key} gives no value for the recipe '{recipe}'; add one, or give one value for all.")
    return value[recipe]
