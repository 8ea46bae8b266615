# Makes Neutron's tables from its models: its migrations change constraints, which SQLite cannot.
# The row of agents is an Open vSwitch agent that seems alive until 2099, so that Neutron binds the ports of VMs.

import json
import sys
import uuid

import sqlalchemy
from neutron.db.migration.models import head

engine = sqlalchemy.create_engine(sys.argv[1])
head.get_metadata().create_all(engine)
configurations = {
    "bridge_mappings": {},
    "tunnel_types": ["vxlan"],
    "tunneling_ip": "127.0.0.1",
    "datapath_type": "system",
    "ovs_hybrid_plug": False,
    "integration_bridge": "br-int",
    "ovs_capabilities": {"datapath_types": ["system"], "iface_types": []},
    "devices": 0,
}
started = "2026-01-01 00:00:00.000000"
row = {
    "id": str(uuid.uuid4()),
    "agent_type": "Open vSwitch agent",
    "binary": "neutron-openvswitch-agent",
    "topic": "N/A",
    "host": "fakehost",
    "admin_state_up": 1,
    "created_at": started,
    "started_at": started,
    "heartbeat_timestamp": "2099-01-01 00:00:00.000000",
    "configurations": json.dumps(configurations),
    "load": 0,
}
with engine.begin() as connection:
    columns = ", ".join(row)
    values = ", ".join("?" for _ in row)
    connection.exec_driver_sql(f"insert into agents ({columns}) values ({values})", tuple(row.values()))
