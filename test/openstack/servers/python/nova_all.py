# Nova's conductor, scheduler, compute, API and metadata in one process: the messages between them stay in memory.

import eventlet

eventlet.monkey_patch()

import sys

import nova.conf
import nova.monkey_patch
from nova import config, objects, service
from oslo_log import log

config.parse_args(["nova", "--config-file", sys.argv[1]])
log.setup(nova.conf.CONF, "nova")
objects.register_all()
for topic in ("conductor", "scheduler", "compute"):
    service.Service.create(binary=f"nova-{topic}", topic=topic).start()
served = [service.WSGIService(name, use_ssl=False) for name in ("osapi_compute", "metadata")]
for one in served:
    one.start()
served[-1].wait()
