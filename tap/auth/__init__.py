"""Who asks. For now everybody is anonymous."""
