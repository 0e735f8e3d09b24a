"""The one error this package raises on purpose."""


class PrivacyInputError(ValueError):
    """Something that was handed in cannot be measured.

    The message names the thing (field, feature, split, file), the value that was found, and what to do about it.
    """
