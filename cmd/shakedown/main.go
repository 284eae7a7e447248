// Command shakedown breaks a cluster and judges what it did.
package main

func main() {}
