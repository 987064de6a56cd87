package language

import (
	"halfopen/internal/code"
	"halfopen/internal/pattern"
)

// userName matches USER or USER:GROUP, numbers or names.
var userName = pattern.New(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$`)

// checkUser reports a user that no machine can have.
func (l *Launch) checkUser(v *validation, st *Step) {
	switch {
	case !v.has(&l.User):
	case l.User == "" || len(l.User) > 100 || !userName.MatchString(l.User):
		v.errorf(code.InvalidValue, &l.User, st.Pos,
			"user: want a number or a name, such as 1000, postgres or postgres:ssl-cert")
	}
}

// OtherUser returns the user that the program runs as; "" if that is root of the lab.
func (l *Launch) OtherUser() string {
	if l.User == "root" || l.User == "0" {
		return ""
	}
	return l.User
}

// StepUser is a step that runs a program as another user than root of the lab.
type StepUser struct {
	Actor, Step string
	Pos         Pos
	User        string
}

// Users returns the steps that run programs as other users than root of the lab, in the order of the
// file, one for each user.
func (s *Scenario) Users() []StepUser {
	var all []StepUser
	seen := map[string]bool{"": true}
	for i := range s.Actors {
		a := &s.Actors[i]
		EachStep(a.Steps, func(st *Step) {
			l := st.Op.Launch()
			if l == nil || seen[l.OtherUser()] {
				return
			}
			seen[l.OtherUser()] = true
			all = append(all, StepUser{a.Name, st.ID, st.Pos, l.OtherUser()})
		})
	}
	return all
}
