/*
 * TCP traffic, the same program on both ends. A connection's first byte says what the server does with it:
 *   'u' takes what comes until the client has ended, then ends too; 'd' sends until the client goes;
 *   'q' answers with 64 bytes and closes.
 *
 *   traffic serve PORT
 *   traffic up|down ADDRESS PORT STREAMS SECONDS     prints bytes per second, counted where they arrive
 *   traffic short ADDRESS PORT AT_A_TIME SECONDS     prints connections per second
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, CHUNK = 128 * 1024, ANSWER = 64 };

struct connection {
    char mode;
    int done; /* bytes of the answer sent or received */
};

static char chunk[CHUNK];
static struct pollfd fds[CONNECTIONS_MAX + 1];
static struct connection connections[CONNECTIONS_MAX + 1];
static int count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int add(int fd, int events, char mode) {
    if (count > CONNECTIONS_MAX) return -1;
    fds[count] = (struct pollfd){.fd = fd, .events = events};
    connections[count] = (struct connection){.mode = mode};
    return count++;
}

static void drop(int index) {
    close(fds[index].fd);
    fds[index] = fds[--count];
    connections[index] = connections[count];
}

/* Returns what read and write do, but -2 where they would block. */
static ssize_t outcome(ssize_t n) { return n < 0 && (errno == EAGAIN || errno == EINTR) ? -2 : n; }

/* One turn of a server's connection; 0: it is over. */
static int serve_one(struct pollfd *fd, struct connection *c) {
    ssize_t n;
    if (c->mode == 0) {
        n = outcome(read(fd->fd, &c->mode, 1));
        if (n == -2) return 1;
        if (n <= 0) return 0;
        if (c->mode == 'd') fd->events = POLLOUT;
        if (c->mode != 'q') return 1;
        if (write(fd->fd, chunk, ANSWER) != ANSWER) perror("write");
        return 0;
    }
    if (c->mode == 'd') n = outcome(write(fd->fd, chunk, CHUNK));
    else n = outcome(read(fd->fd, chunk, CHUNK));
    return n == -2 || n > 0;
}

static void serve(int port) {
    int one = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = INADDR_ANY};
    if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, 1024) < 0) fail("listen");
    socklen_t length = sizeof at;
    getsockname(listener, (struct sockaddr *)&at, &length);
    printf("port %d\n", ntohs(at.sin_port));
    fflush(stdout);
    add(listener, POLLIN, 0);
    for (;;) {
        if (poll(fds, count, -1) < 0) fail("poll");
        if (fds[0].revents != 0) {
            int fd;
            while (count <= CONNECTIONS_MAX && (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                add(fd, POLLIN, 0);
            }
        }
        for (int i = count - 1; i > 0; i--) {
            if (fds[i].revents != 0 && !serve_one(&fds[i], &connections[i])) drop(i);
        }
    }
}

static void dial(const struct sockaddr_in *to, char mode) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || (connect(fd, (const struct sockaddr *)to, sizeof *to) < 0 && errno != EINPROGRESS)) fail("connect");
    add(fd, POLLOUT, mode);
}

/* One turn of a client's connection; 0: it is over. */
static int ask_one(struct pollfd *fd, struct connection *c, double *total, int stop) {
    ssize_t n;
    if (c->done == 0) {
        n = outcome(write(fd->fd, &c->mode, 1));
        if (n == -2) return 1;
        if (n <= 0) fail("connect");
        c->done = 1;
        if (c->mode != 'u') fd->events = POLLIN;
        return 1;
    }
    if (c->mode == 'u' && fd->events == POLLOUT) {
        if (stop) {
            shutdown(fd->fd, SHUT_WR);
            fd->events = POLLIN;
            return 1;
        }
        n = outcome(write(fd->fd, chunk, CHUNK));
        if (n != -2 && n <= 0) fail("write");
        if (n > 0) *total += n;
        return 1;
    }
    if (stop && c->mode == 'd') return 0;
    n = outcome(read(fd->fd, chunk, CHUNK));
    if (n == -2) return 1;
    if (n < 0) fail("read");
    if (c->mode == 'd') *total += n;
    if (c->mode == 'q') c->done += n;
    if (n == 0 && c->mode == 'q') {
        if (c->done != ANSWER + 1) fail("a short answer");
        *total += 1;
    }
    return n > 0;
}

static void ask(const char *what, const char *address, int port, int streams, double seconds) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) fail(address);
    char mode = strcmp(what, "short") == 0 ? 'q' : what[0];
    double start = now(), total = 0;
    for (int i = 0; i < streams; i++) dial(&to, mode);
    while (count > 0) {
        if (poll(fds, count, 1000) < 0) fail("poll");
        int stop = now() - start >= seconds;
        for (int i = count - 1; i >= 0; i--) {
            if (fds[i].revents == 0 && !(stop && mode != 'q')) continue;
            if (ask_one(&fds[i], &connections[i], &total, stop)) continue;
            drop(i);
            if (mode == 'q' && !stop) dial(&to, mode);
        }
    }
    printf("RATE %.0f\n", total / (now() - start));
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && strcmp(argv[1], "serve") == 0) serve(atoi(argv[2]));
    if (argc != 6) return 2;
    ask(argv[1], argv[2], atoi(argv[3]), atoi(argv[4]), atof(argv[5]));
    return 0;
}
