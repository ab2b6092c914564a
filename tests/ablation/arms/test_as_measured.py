from ablation.arms.registry import ARMS
from ablation.study.hashes import content_of
from ablation.study.stores import list_sources, make_stores
from data.skeletons.store import open_store
from tests.ablation.small_study import configured


def test_the_measured_clips_are_taken_where_they_are(settings):
    """The oracle is asked for only because a study has two arms; it is read where it is, too."""
    config = configured(settings, arms=["raw", "oracle"])
    made = make_stores(config, list_sources(config)[0])
    assert made.stores["raw"].folder == settings["data"]["store"]
    assert made.how["raw"] == f"{settings['data']['store']} as it is"
    assert made.benchmarks == {}
    assert not config.shared_folder.exists()


def test_it_needs_nothing_but_the_clips(settings):
    config = configured(settings)
    (source,) = list_sources(config)
    store = open_store(source.raw)
    assert ARMS["raw"].needs(config, source) == []
    assert not ARMS["raw"].filter
    assert ARMS["raw"].make(config, source, "raw", store, content_of(store)).store is store
