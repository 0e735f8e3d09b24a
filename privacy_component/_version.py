"""The release; part of the component's cache key, so an upgrade never returns an old verdict."""

__version__ = '0.3.0'
