// The spot market inside the world, and what its interruptions take: for planner/sim/*.c only.
#pragma once

struct world;

// market.c
void market_init(struct world *w);
void market_add_type(struct world *w, int type);  // its pools
void market_step(struct world *w);
void market_change_step(struct world *w, int pool);  // its record says something new
void market_draw_step(struct world *w);
void market_interrupt_part(struct world *w, int pool, double part);  // so large a part of its members, drawn by lot, gets its notice
void market_take_back(struct world *w, int pool);  // a spot instance of it ended that AWS did not take: it is in stock again

// replaced.c
void replaced_note(struct world *w, int instance);   // at the notice: what runs there
void replaced_judge(struct world *w, int instance);  // at its end
