/* The bench's HTTP load: some connections on loopback, one request of each under way, until the time is up.
 *
 * http PORT CONNECTIONS SECONDS [WORDS] < request     (the request's bytes come on stdin)
 * One request is sent again and again. Of several, divided by zero bytes, each is sent once, and then it ends.
 * Prints one line of JSON; `bad` counts answers that were neither 2xx nor 304, `found` those that have the words. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, MOST_TIMES = 1 << 21, MOST_EVENTS = 256, MOST_BYTES = 1 << 24 };

typedef struct {
    int fd;
    long have, want; /* bytes of the present answer: here, and in all (0 until its head is whole) */
    double sent_at;
    char *buffer;
} connection;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int dial(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) {
        perror("connect");
        exit(2);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* Reads the length of an answer from its head; 1 when the answer is bad. */
static int read_head(connection *c, const char *end) {
    const char *length = strcasestr(c->buffer, "content-length:");
    c->want = end - c->buffer + 4 + (length && length < end ? atol(length + 15) : 0);
    return c->buffer[9] != '2' && strncmp(c->buffer + 9, "304", 3);
}

static char requests[MOST_BYTES];
static const char *turn = requests;
static long given, many;

/* Sends what comes next: 0 when nothing is left to send. */
static int ask(connection *c) {
    if (turn == requests + given) return 0;
    ssize_t size = strlen(turn);
    if (send(c->fd, turn, size, 0) != size) exit(3);
    if (many > 1) turn += size + 1;
    c->sent_at = now();
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 4 && argc != 5) return 2;
    int port = atoi(argv[1]), count = atoi(argv[2]), poll = epoll_create1(0);
    given = fread(requests, 1, sizeof requests - 1, stdin) + 1;
    for (long i = 0; i < given; i++) many += !requests[i];
    connection *all = calloc(count, sizeof *all);
    double *times = malloc(sizeof *times * MOST_TIMES), began = now(), end = began + atof(argv[3]);
    long done = 0, bad = 0, bytes = 0, found = 0;
    for (int i = 0; i < count; i++) {
        struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = i};
        all[i] = (connection){.fd = dial(port), .buffer = malloc(BUFFER)};
        epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &wanted);
        ask(&all[i]);
    }
    while (now() < end && (many == 1 || done < many)) {
        struct epoll_event events[MOST_EVENTS];
        int ready = epoll_wait(poll, events, MOST_EVENTS, 100);
        for (int i = 0; i < ready; i++) {
            connection *c = &all[events[i].data.u32];
            ssize_t got = recv(c->fd, c->buffer + c->have, BUFFER - 1 - c->have, 0);
            if (got <= 0) {
                fprintf(stderr, "the server closed a connection\n");
                return 3;
            }
            c->have += got;
            c->buffer[c->have] = 0;
            if (!c->want) {
                char *head_end = strstr(c->buffer, "\r\n\r\n");
                if (!head_end) continue;
                bad += read_head(c, head_end);
            }
            if (c->have < c->want) continue;
            double at = now();
            if (done < MOST_TIMES) times[done] = at - c->sent_at;
            done++;
            found += argc == 5 && strstr(c->buffer, argv[4]);
            bytes = c->want;
            c->have = c->want = 0;
            ask(c);
        }
    }
    double took = now() - began;
    long kept = done < MOST_TIMES ? done : MOST_TIMES;
    if (!kept) return 3;
    qsort(times, kept, sizeof *times, by_value);
    printf("{\"requests\":%ld,\"bad\":%ld,\"found\":%ld,\"bytes\":%ld,\"took_s\":%.3f,\"per_s\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n",
           done, bad, found, bytes, took, done / took, times[kept / 2] * 1e6, times[(long)(kept * .99)] * 1e6);
    return 0;
}
