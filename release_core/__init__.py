"""What Rollcall means: releases, their readiness, their deployments and their way back."""
