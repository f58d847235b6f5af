"""Operations: how the hub is, for whoever runs it. A file for each subject; nothing here changes anything."""
