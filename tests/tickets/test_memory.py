"""The memory that is free."""

from slth.tickets import memory


def test_available_memory_is_plausible(monkeypatch, tmp_path):
    assert 2**20 < memory.available_memory() < 2**50
    monkeypatch.setattr(memory, "_MEMORY_INFORMATION", tmp_path / "absent")
    assert 2**20 < memory.available_memory() < 2**50


def test_the_control_group_limits_the_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_CONTROL_GROUP", tmp_path)
    for limit, used, expected in (("5000\n", "2000\n", 3000), ("5000\n", "6000\n", 0)):
        (tmp_path / "memory.max").write_text(limit)
        (tmp_path / "memory.current").write_text(used)
        assert memory.available_memory() == expected
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_memory() > 2**20
