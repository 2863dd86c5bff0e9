"""Reinforcement learning from the task's reward, with or without demonstrations."""
