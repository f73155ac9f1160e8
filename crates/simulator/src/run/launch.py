"""Entry of a container whose client uploaded a driver program: loads it as module `main`, as Azure's older stacks do.

The scoring server has put the path of this file into AZUREML_ENTRY_SCRIPT; the driver sees there what its client set.
"""
import importlib.util
import os
import sys

_driver = os.environ.pop("ACIVNET_SIMULATOR_DRIVER")
_script = os.environ.pop("ACIVNET_SIMULATOR_SCRIPT", None)
if _script is None:
    os.environ.pop("AZUREML_ENTRY_SCRIPT", None)
else:
    os.environ["AZUREML_ENTRY_SCRIPT"] = _script

_spec = importlib.util.spec_from_file_location("main", _driver)
_main = importlib.util.module_from_spec(_spec)
sys.modules["main"] = _main
_spec.loader.exec_module(_main)
# init and run, and driver_module where there is one: by it the server knows a driver.
globals().update({name: value for name, value in vars(_main).items() if not name.startswith("__")})
