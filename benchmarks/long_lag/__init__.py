"""The published figures of the tasks with long lags, reached or not; see the README."""
