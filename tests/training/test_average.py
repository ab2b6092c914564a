import torch
from torch import nn
from torch.testing import assert_close

from training.average import WeightAverage


def network(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def test_average_of_weights_and_buffers_by_hand():
    model = network(0)
    average = WeightAverage(model, 0.6)
    expected = {name: value.clone() for name, value in model.state_dict().items()}
    for step in range(12):
        model(torch.randn(8, 3) + step)
        with torch.no_grad():
            model[0].weight += 0.1 * step
        average.update(model)
        decay = min(0.6, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            floating = value.is_floating_point()
            expected[name] = decay * expected[name] + (1 - decay) * value if floating else value.clone()
    for name, value in average.model.state_dict().items():
        assert_close(value, expected[name])
    assert average.model.state_dict()["1.num_batches_tracked"] == 12
    assert not average.model.training


def test_it_goes_on_where_it_was():
    model, other = network(0), network(1)
    straight, resumed = WeightAverage(model, 0.9), WeightAverage(other, 0.9)
    for _ in range(3):
        straight.update(other)
    resumed.load_state_dict(straight.state_dict())
    for average in (straight, resumed):
        average.update(model)
    for one, same in zip(straight.model.state_dict().values(), resumed.model.state_dict().values(), strict=True):
        assert torch.equal(one, same)
