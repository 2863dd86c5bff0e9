"""Policies of Stable-Baselines3, read without it and without torch; nothing is unpickled.

A zip file of Stable-Baselines3 holds `data`, JSON in which other objects are pickled text beside a
few of their fields, and `policy.pth`, the tensors. The fields and the tensors describe the usual
networks completely, and the action of `predict(obs, deterministic=True)` is computed from them.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.types import Key, Policy, Spec
from imitbench.experts.external.functions import scale_actions
from imitbench.experts.external.observations import KEYS, columns
from imitbench.experts.external.torch_files import read_tensors
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import one_line

MAX_BYTES = 2**28  # of each part of the zip file that is read
ACTIVATIONS: Mapping[str, Callable[[jax.Array], jax.Array]] = {
    "ReLU": jax.nn.relu, "Tanh": jnp.tanh, "ELU": jax.nn.elu, "SELU": jax.nn.selu,
    "LeakyReLU": jax.nn.leaky_relu, "SiLU": jax.nn.silu, "Sigmoid": jax.nn.sigmoid,
    "GELU": lambda x: jax.nn.gelu(x, approximate=False),
}  # fmt: skip
SETTINGS = {
    "net_arch", "activation_fn", "log_std_init", "ortho_init", "optimizer_class",
    "optimizer_kwargs", "n_critics", "share_features_extractor", "normalize_images", "full_std",
    "use_sde", "squash_output", "n_quantiles", "top_quantiles_to_drop_per_net", "n_envs",
}  # fmt: skip
"""Settings of a policy that the networks here allow for."""
INSTEAD = (
    "write module:function that loads it with Stable-Baselines3, or an object with predict, instead"
)


class Network(NamedTuple):
    """The network that chooses actions."""

    file: str
    layers: list[tuple[np.ndarray, np.ndarray]]  # kernels [in, out] and biases
    activation: Callable[[jax.Array], jax.Array]
    kind: str  # of the output: "mean" (PPO, A2C), "tanh" (SAC, TD3, DDPG), "choice" (DQN and PPO)
    keys: tuple[str, ...]  # of a goal task's dictionary, in the order of the input; () without
    low: np.ndarray  # [A] bounds of the actions; empty for choices
    high: np.ndarray

    def policy(self, spec: Spec) -> Policy:
        """The policy on a task; it needs no randomness.

        Raises:
            UserError: observations or actions of the task have other sizes.
        """
        index = self._columns(spec)
        sizes = self.layers[0][0].shape[0], self.layers[-1][0].shape[1]
        if sizes != (len(index), spec.action_size) or spec.discrete != (self.kind == "choice"):
            words = "choices" if self.kind == "choice" else "continuous actions"
            raise UserError(
                f"{self.file} maps {sizes[0]} numbers to {sizes[1]} {words}, the task has "
                f"{len(index)} and {spec.action_size} "
                f"{'choices' if spec.discrete else 'continuous actions'}: expected a policy of "
                "this task"
            )

        def act(key: Key, obs: jax.Array) -> jax.Array:
            x = jnp.asarray(obs, jnp.float32)[..., index]
            for i, (kernel, bias) in enumerate(self.layers):
                x = self.activation(x) if i else x
                x = jnp.matmul(x, kernel, precision="highest") + bias
            if self.kind == "choice":
                return jnp.argmax(x, axis=-1).astype(jnp.int32)
            if self.kind == "tanh":
                return jnp.tanh(x)
            return jnp.clip(scale_actions(x, self.low, self.high), -1.0, 1.0).astype(jnp.float32)

        return act

    def _columns(self, spec: Spec) -> np.ndarray:
        """The order of the observation's numbers in the network's input."""
        if not self.keys:
            return np.arange(spec.obs_size)
        if spec.goal is None:
            raise UserError(
                f"{self.file} takes dictionaries with {', '.join(KEYS)}, but the task has no "
                "goals: expected a policy of this task"
            )
        return np.concatenate([columns(spec, key) for key in self.keys])


def read(path: Path) -> Network:
    """Reads the policy of a model that `model.save` has written.

    Args:
        path: the zip file.

    Returns:
        The network of an `MlpPolicy` or `MultiInputPolicy` of PPO, A2C, SAC, TD3, DDPG, DQN, or of
        another algorithm with the same networks.

    Raises:
        UserError: there is no such file, it is damaged, or its policy is of another kind.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            data = json.loads(_part(archive, "data"))
            tensors = read_tensors(_part(archive, "policy.pth"))
        if not isinstance(data, dict):
            raise ValueError("its data are no JSON object")
        return _network(path.name, data, tensors)
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"no such file: {path}") from None
    except Exception as error:  # a damaged file raises errors of all kinds
        raise UserError(
            f"{path} is no zip file of Stable-Baselines3 that can be read ({one_line(error)}): "
            f"{INSTEAD}"
        ) from None


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > MAX_BYTES:
        raise ValueError(f"its {name} has more than {MAX_BYTES} bytes")
    return archive.read(name)


def _network(file: str, data: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Network:
    def refuse(reason: str) -> UserError:
        return UserError(f"{file}: {reason}; {INSTEAD}")

    _check_settings(data, refuse)
    prefix, output, kind, activation = _architecture(tensors, refuse)
    named = _field(data["policy_kwargs"], "activation_fn")
    if named is not None:
        activation = re.sub(r"\W+$", "", str(named)).rpartition(".")[2]
    if activation not in ACTIVATIONS:
        raise refuse(f"its activation is {activation}: expected one of {', '.join(ACTIVATIONS)}")
    hidden = sorted(
        int(k.split(".")[-2]) for k in tensors if k.startswith(prefix) and k.endswith(".weight")
    )
    names = [*(f"{prefix}{i}" for i in hidden), *output]
    if hidden != list(range(0, 2 * len(hidden), 2)) or not _only_layers(tensors, prefix, hidden):
        raise refuse("its network has other parts than linear layers and one activation")
    layers = [_layer(tensors, name) for name in names]
    space = data["action_space"]
    discrete = _kind(space) == "Discrete"
    if _kind(space) not in ("Box", "Discrete") or (kind == "choice" and not discrete):
        raise refuse(f"its action space is {_kind(space)}: expected Box or Discrete")
    if discrete and int(_field(space, "start") or 0):
        raise refuse("its choices do not begin with 0")
    low, high = (np.zeros(0), np.zeros(0)) if discrete else _bounds(space, refuse)
    if not discrete and low.shape != layers[-1][1].shape:
        raise refuse("the bounds of its action space cannot be read")
    return Network(
        file, layers, ACTIVATIONS[activation], "choice" if discrete else kind,
        _keys(data["observation_space"]), low, high,
    )  # fmt: skip


def _check_settings(data: Mapping[str, Any], refuse: Callable[[str], UserError]) -> None:
    """Refuses what the tensors do not say everything about."""
    module = str(_field(data["policy_class"], "__module__"))
    if module.partition(".")[0] not in ("stable_baselines3", "sb3_contrib"):
        raise refuse(f"its policy is a class of {module}, not of Stable-Baselines3")
    unknown = {k for k in data["policy_kwargs"] if not k.startswith(":")} - SETTINGS
    if unknown:
        raise refuse(f"its policy has the setting {', '.join(sorted(unknown))}")
    if data.get("use_sde"):
        raise refuse("it explores with gSDE (use_sde=True)")
    # Algorithms that keep a replay buffer fill this field in any case.
    if data.get("_last_original_obs") is not None and "buffer_size" not in data:
        raise refuse("it was trained under VecNormalize, whose statistics are not in the file")
    space, kind = data["observation_space"], _kind(data["observation_space"])
    if kind == "Dict":
        found = _keys(space)
        if sorted(found) != sorted(KEYS):
            raise refuse(f"its observations have {', '.join(sorted(found))}: expected a goal task")
    elif kind != "Box" or len(_field(space, "_shape") or ()) != 1:
        raise refuse(f"its observation space is {kind} of shape {_field(space, '_shape')}")


def _architecture(
    tensors: Mapping[str, np.ndarray], refuse: Callable[[str], UserError]
) -> tuple[str, list[str], str, str]:
    """Where the layers are, what their output means, and the default activation."""
    foreign = [k for k in tensors if "features_extractor" in k or "lstm" in k or "shared_net" in k]
    if foreign:
        raise refuse(f"its network has other parts than a perceptron ({foreign[0]})")
    if "action_net.weight" in tensors:
        return "mlp_extractor.policy_net.", ["action_net"], "mean", "Tanh"
    if "actor.mu.weight" in tensors:
        return "actor.latent_pi.", ["actor.mu"], "tanh", "ReLU"
    if any(k.startswith("actor.mu.") for k in tensors):
        return "actor.mu.", [], "tanh", "ReLU"
    if any(k.startswith("q_net.q_net.") for k in tensors):
        return "q_net.q_net.", [], "choice", "ReLU"
    raise refuse("its policy is of an unknown kind")


def _only_layers(tensors: Mapping[str, np.ndarray], prefix: str, hidden: list[int]) -> bool:
    names = {f"{prefix}{i}.{part}" for i in hidden for part in ("weight", "bias")}
    return {k for k in tensors if k.startswith(prefix)} == names


def _layer(tensors: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    kernel, bias = tensors[f"{name}.weight"].T, tensors[f"{name}.bias"]
    if kernel.ndim != 2 or bias.shape != kernel.shape[1:]:
        raise ValueError(f"its layer {name} has shapes {kernel.shape} and {bias.shape}")
    return np.asarray(kernel, np.float32), np.asarray(bias, np.float32)


def _field(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else None


def _kind(space: Any) -> str:
    """The class of a space, such as Box."""
    return re.sub(r"\W+$", "", str(_field(space, ":type:"))).rpartition(".")[2]


def _keys(space: Any) -> tuple[str, ...]:
    """The keys of a Dict space, in the order in which its entries are joined."""
    if _kind(space) != "Dict":
        return ()
    return tuple(re.findall(r"'(\w+)': Box\(", str(_field(space, "spaces"))))


def _bounds(space: Any, refuse: Callable[[str], UserError]) -> tuple[np.ndarray, np.ndarray]:
    texts = (str(_field(space, name)).strip("[] ") for name in ("low", "high"))
    low, high = (np.array([float(x) for x in text.split()]) for text in texts)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (high > low).all()):
        raise refuse("its actions have no finite bounds")
    return low, high
