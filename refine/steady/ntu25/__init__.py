"""`steady_ntu25`: a refiner for the Kinect's 25 joints that knows how a body holds together; it runs on NumPy."""
