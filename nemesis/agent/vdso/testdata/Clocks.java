import java.time.Instant;

/** Tells, for each line that it reads, what its clocks say, in nanoseconds. */
class Clocks {
  public static void main(String[] arguments) throws Exception {
    for (int c = System.in.read(); c >= 0; c = System.in.read()) {
      if (c != '\n') continue;
      Instant now = Instant.now();
      System.out.println(System.currentTimeMillis() * 1_000_000L + " "
          + (now.getEpochSecond() * 1_000_000_000L + now.getNano()) + " " + System.nanoTime());
    }
  }
}
