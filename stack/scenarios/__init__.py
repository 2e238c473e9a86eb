"""What is done with a running system: the demonstration, the fault drill, and the traffic that both drive."""
