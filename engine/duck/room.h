// How much memory may be taken in large blocks: see memory.go.
#include <stdbool.h>

void dsql_allow_large(long room, long others);
void dsql_allow_all(void);
void dsql_strange(bool yes);
void dsql_trim(void);
