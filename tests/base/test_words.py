from base.words import listed, plural


def test_numbers_of_things():
    assert [plural(count, "clip") for count in (0, 1, 2)] == ["0 clips", "1 clip", "2 clips"]
    assert plural(1234, "class", "classes", separator=",") == "1,234 classes"
    assert plural(1, "class", "classes") == "1 class"


def test_several_things_in_a_sentence():
    assert [listed(list("abc")[:count]) for count in range(4)] == ["", "a", "a and b", "a, b and c"]
