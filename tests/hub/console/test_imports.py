"""The console's modules import each other in one direction, late imports inside functions included."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp

CONSOLE = "retailops.hub.console"


def test_the_console_has_no_import_circles() -> None:
    graph = grimp.build_graph("retailops", cache_dir=None)
    modules = {module for module in graph.modules if module.startswith(CONSOLE)}
    # The console and the contexts' screens, which are built of its parts.
    modules |= {module for module in graph.modules if module.endswith(".admin")}
    imports = {
        module: graph.find_modules_directly_imported_by(module) & modules - {module} for module in modules
    }
    assert f"{CONSOLE}.site" in imports[f"{CONSOLE}.pages"]
    TopologicalSorter(imports).prepare()  # raises CycleError, naming the circle
