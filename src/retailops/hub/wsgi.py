"""The WSGI application, for granian (`retailops web`) or any other WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

from retailops.config import load_settings, require_safe

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailops.hub.settings")
require_safe(load_settings())
application = get_wsgi_application()
