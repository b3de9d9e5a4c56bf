// The frontier as SVG: cost over the bound against the share of task-seconds that waited, logarithmic; a line a rule, means over the seeds.
#include "scaler/simulate.h"

#include <math.h>

enum { WIDTH = 900, HEIGHT = 560, LEFT = 70, RIGHT = 230, TOP = 50, BOTTOM = 60 };
static const double LEAST_PERCENT = 0.001;  // what waits less stands at the left edge

// Colours that the colour-blind tell apart (Okabe and Ito 2008).
static const char *const colours[RULE_COUNT] = {"#d55e00", "#999999", "#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#e69f00", "#7f5f3f", "#000000"};

struct frame {
    double x0, x1, y0, y1;       // decades of per cent; cost
};

static double x_of(const struct frame *f, double percent)
{
    double d = log10(fmax(percent, LEAST_PERCENT));
    return LEFT + (d - f->x0) / (f->x1 - f->x0) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct frame *f, double cost)
{
    return HEIGHT - BOTTOM - (fmin(cost, f->y1) - f->y0) / (f->y1 - f->y0) * (HEIGHT - TOP - BOTTOM);
}

static struct frame frame_of(const struct simulate_row *rows, size_t n)
{
    struct frame f = {.x0 = 1, .x1 = 0, .y0 = 1, .y1 = 1.2};
    for (size_t k = 0; k < n; k++) {
        double d = log10(fmax(rows[k].waiting_percent.mean, LEAST_PERCENT));
        f.x0 = fmin(f.x0, floor(d));
        f.x1 = fmax(f.x1, ceil(d));
        f.y0 = fmin(f.y0, floor(rows[k].over_bound.mean * 10) / 10);
        if (rows[k].kind != RULE_ON_DEMAND)  // two or three times as dear: at the edge, so that the others can be told apart
            f.y1 = fmax(f.y1, ceil(rows[k].over_bound.mean * 10) / 10);
    }
    return f;
}

static void add_axes(struct buf *out, const struct frame *f)
{
    double step = f->y1 - f->y0 > 3 ? 1 : f->y1 - f->y0 > 1.2 ? 0.5 : f->y1 - f->y0 > 0.5 ? 0.2 : 0.1;
    for (double d = f->x0; d <= f->x1 + 1e-9; d++) {
        double x = x_of(f, pow(10, d));
        buf_printf(out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g %%</text>\n", x, TOP, x,
                   HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 18, pow(10, d));
    }
    for (double c = ceil(f->y0 / step) * step; c <= f->y1 + 1e-9; c += step) {
        double y = y_of(f, c);
        buf_printf(out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>\n", LEFT, y,
                   WIDTH - RIGHT, y, LEFT - 8, y + 4, c);
    }
    buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">task-seconds that waited</text>\n", LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 14);
    buf_printf(out, "<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">cost over the clairvoyant bound</text>\n", TOP + (HEIGHT - TOP - BOTTOM) / 2);
}

static void add_line(struct buf *out, const struct frame *f, const struct simulate_row *rows, size_t n, int at)
{
    const char *colour = colours[rows[0].kind];
    buf_printf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%d\" points=\"", colour, rows[0].kind == RULE_MASU ? 3 : 2);
    for (size_t k = 0; k < n; k++)
        buf_printf(out, "%s%.1f,%.1f", k ? " " : "", x_of(f, rows[k].waiting_percent.mean), y_of(f, rows[k].over_bound.mean));
    buf_add_str(out, "\"/>\n");
    for (size_t k = 0; k < n; k++) {
        buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"><title>%s %s %.6g: %.3f of the bound, %.4f %% waiting</title></circle>\n",
                   x_of(f, rows[k].waiting_percent.mean), y_of(f, rows[k].over_bound.mean), colour, rule_info(rows[k].kind)->name, rule_info(rows[k].kind)->knob,
                   rows[k].knob, rows[k].over_bound.mean, rows[k].waiting_percent.mean);
    }
    buf_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"4\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>\n", WIDTH - RIGHT + 20, TOP + 22 * at + 6, colour,
               WIDTH - RIGHT + 42, TOP + 22 * at + 12, rule_info(rows[0].kind)->name);
}

static void add_escaped(struct buf *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '<' || *s == '&')
            buf_add_str(out, *s == '<' ? "&lt;" : "&amp;");
        else
            buf_add_char(out, *s);
    }
}

void simulate_plot(const struct simulate *s, struct arena *a, struct buf *out)
{
    struct simulate_row *rows;
    size_t n = simulate_rows(s, a, &rows);
    struct frame f = frame_of(rows, n);
    buf_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\">\n", WIDTH, HEIGHT);
    buf_printf(out, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n<text x=\"%d\" y=\"28\" font-size=\"16\">", WIDTH, HEIGHT, LEFT);
    add_escaped(out, s->scene.name);
    buf_printf(out, ": cost and waiting, means of %" PRId64 " seed%s; masu " MASU_VERSION "</text>\n", s->seeds, s->seeds > 1 ? "s" : "");
    add_axes(out, &f);
    int at = 0;
    for (size_t k = 0, end; k < n; k = end, at++) {
        for (end = k; end < n && rows[end].kind == rows[k].kind;)
            end++;
        add_line(out, &f, rows + k, end - k, at);
    }
    buf_add_str(out, "</svg>\n");
}
