"""What goes on in a realm, in numbers: counted in each process, kept by the minute and by the hour."""
