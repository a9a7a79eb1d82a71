# Brings Python's one common client that leaves HTTPS_PROXY alone to the proxy: aiohttp reads it only for sessions made
# with trust_env=True. Here that becomes the default; a caller that says otherwise is heard. Python finds this file as
# `sitecustomize`, since its directory comes first in PYTHONPATH; the one it hides is run after it. Whatever goes wrong
# here, the program starts as it would have without it. Old Pythons read this file too: nothing newer than 2.7.
import sys


def _bring(module):
    try:
        module.ClientSession.__init__.__kwdefaults__["trust_env"] = True
    except Exception:  # an aiohttp of another shape is left as it is
        pass


class _Watch(object):
    """Waits for `aiohttp.client` among the imports, and costs the others one comparison."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "aiohttp.client":
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find and finder is not _Watch else None
            if spec is not None:
                break
        else:
            return None
        try:
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                _bring(module)

            spec.loader.exec_module = exec_module
        except Exception:
            pass
        return spec


def _hidden():
    """The sitecustomize that this one stands in front of, not yet run."""
    try:
        from _frozen_importlib import module_from_spec
        import os

        here = os.path.realpath(os.path.dirname(os.path.abspath(__file__)))
        rest = [p for p in sys.path if os.path.realpath(p or os.curdir) != here]
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find("sitecustomize", rest) if find and finder is not _Watch else None
            if spec is not None and spec.loader is not None:
                return spec.loader, module_from_spec(spec)
    except Exception:
        pass
    return None


sys.meta_path.insert(0, _Watch)
_found = _hidden()
if _found:
    sys.modules[__name__] = _found[1]
    _found[0].exec_module(_found[1])
