# Nova's conductor, scheduler, compute, API and metadata in one process: the messages between them stay in memory.

import eventlet

eventlet.monkey_patch()

import sys

import nova.conf
import nova.monkey_patch
from nova import config, exception, objects, service
from nova.virt import fake
from oslo_log import log

# A machine has so many slots for NICs. Its first NIC is not attached: the VM starts with it.
SLOTS = int(sys.argv[2])
attached = {}


class Machine(fake.FakeDriver):
    def attach_interface(self, context, instance, image_meta, vif):
        nics = attached.setdefault(instance.uuid, set())
        if 1 + len(nics) >= SLOTS:
            raise exception.InterfaceAttachFailed(instance_uuid=instance.uuid)
        super().attach_interface(context, instance, image_meta, vif)
        nics.add(vif["id"])

    def detach_interface(self, context, instance, vif):
        try:
            super().detach_interface(context, instance, vif)
        except exception.InterfaceDetachFailed:
            pass  # libvirt's driver has no objection to a NIC that the VM does not have
        attached.get(instance.uuid, set()).discard(vif["id"])


fake.Machine = Machine

config.parse_args(["nova", "--config-file", sys.argv[1]])
log.setup(nova.conf.CONF, "nova")
objects.register_all()
for topic in ("conductor", "scheduler", "compute"):
    service.Service.create(binary=f"nova-{topic}", topic=topic).start()
served = [service.WSGIService(name, use_ssl=False) for name in ("osapi_compute", "metadata")]
for one in served:
    one.start()
served[-1].wait()
