/* Tells, for each line that it reads, what every clock says, in nanoseconds. */
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

static long long of(clockid_t id) {
  struct timespec ts;
  if (clock_gettime(id, &ts) != 0) return -1;
  return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(void) {
  char line[16];
  while (fgets(line, sizeof line, stdin)) {
    struct timeval tv;
    gettimeofday(&tv, NULL);
    printf("%lld %lld %lld %lld %lld %lld %lld %lld\n", of(CLOCK_REALTIME), of(CLOCK_REALTIME_COARSE),
           tv.tv_sec * 1000000000LL + tv.tv_usec * 1000LL, time(NULL) * 1000000000LL,
           of(CLOCK_MONOTONIC), of(CLOCK_MONOTONIC_COARSE), of(CLOCK_MONOTONIC_RAW), of(CLOCK_BOOTTIME));
    fflush(stdout);
  }
  return 0;
}
