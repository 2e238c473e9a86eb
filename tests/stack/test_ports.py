import socket
from dataclasses import astuple
from pathlib import Path

import pytest

from stack.console import StackError
from stack.ports import Ports


def test_defaults():
    assert Ports.from_environment({}) == Ports()


def test_environment_chooses():
    ports = Ports.from_environment({"IG_ODOO_PORT": "18069", "IG_PG_PORT": ""})
    assert (ports.odoo, ports.pg) == (18069, 5433)


@pytest.mark.parametrize("text", ["x", "0", "65536", "-1", "80.5"])
def test_what_is_not_a_port_is_refused(text):
    with pytest.raises(StackError, match=f"IG_ODOO_PORT={text}"):
        Ports.from_environment({"IG_ODOO_PORT": text})


def test_one_port_for_two_is_refused():
    with pytest.raises(StackError, match="IG_ODOO_PORT or IG_PROMETHEUS_PORT"):
        Ports.from_environment({"IG_PROMETHEUS_PORT": "8069"})


def test_free_ports_differ():
    numbers = astuple(Ports.free())
    assert len(set(numbers)) == len(numbers)


def test_variables_ask_for_the_same_ports():
    ports = Ports.free()
    assert Ports.from_environment(ports.variables()) == ports


def test_a_taken_port_is_named_with_its_variable_and_its_holder():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        number = holder.getsockname()[1]
        ports = Ports.from_environment({"IG_KYC_PORT": str(number)})
        with pytest.raises(StackError) as caught:
            ports.check(["kyc"])
    message = str(caught.value)
    assert f"Port {number}, for the KYC provider" in message
    assert f"IG_KYC_PORT={number + 1}" in message
    assert "holds it" in message


def test_ports_that_are_not_asked_for_are_not_checked():
    free = Ports.free()
    with socket.create_server(("127.0.0.1", free.kyc)):
        free.check(["ai"])


def test_a_port_that_was_just_left_is_free():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        number = server.getsockname()[1]
        server.accept()[0].close()
        client.recv(1)
    Ports.from_environment({"IG_AI_PORT": str(number)}).check(["ai"])


def test_systems_beside_each_other_have_no_port_in_common():
    chosen = [port for ports in Ports.distinct(3) for port in astuple(ports)]
    assert len(chosen) == len(set(chosen)) == 3 * len(astuple(Ports()))


def test_systems_beside_each_other_have_none_that_the_kernel_gives_to_others():
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert first < 32_768 or max(astuple(Ports.distinct(1)[0])) < first
